import type { RegisterServiceImplementation, User as UserMessage } from "../../gen/bookstore/register/v1/register_service.ts";
import { invalidField } from "../../runtime/errors.ts";
import { decodePageToken, encodePageToken } from "../../runtime/page-token.ts";
import { AddressChanges } from "./address-changes.ts";
import { deleteUser, getUser, type RegisterDeps, registerUser, type User, updateUser } from "./user.ts";

const DEFAULT_PAGE_SIZE = 20;

/** Implements bookstore.register.v1.RegisterService. */
export function registerHandler(deps: RegisterDeps): RegisterServiceImplementation {
  const { store } = deps;
  const addressChanges = new AddressChanges({ now: () => deps.now().getTime() });
  return {
    async register(request, { signal }) {
      const user = await registerUser(deps, request, signal);
      return { user: messageOf(user) };
    },

    async checkRegistered({ key }) {
      if (key === undefined) throw invalidField("key", "is required: user_id or email");
      const user = key.$case === "userId" ? await store.get(key.value) : await store.getByEmail(key.value);
      return { user: user && messageOf(user) };
    },

    async getUser({ userId }) {
      return { user: messageOf(await getUser(store, userId)) };
    },

    async updateUser({ userId, ...changes }) {
      if (changes.email !== undefined) addressChanges.begin(userId);
      return { user: messageOf(await updateUser(store, userId, changes)) };
    },

    async deleteUser({ userId }) {
      await deleteUser(store, userId);
      return {};
    },

    async listUsers({ pageSize, pageToken }) {
      const size = pageSize || DEFAULT_PAGE_SIZE;
      const position = decodePageToken(pageToken, "users", ["number", "string"]);
      const after = position && { createdAtMs: position[0], id: position[1] };
      // One more than asked for tells whether there is a next page.
      const found = await store.list(after, size + 1);
      const users = found.slice(0, size);
      const last = users.at(-1);
      const more = found.length > size && last !== undefined;
      return {
        users: users.map(messageOf),
        nextPageToken: more ? encodePageToken([last.createdAt.getTime(), last.id], "users") : "",
      };
    },
  };
}

/** A user as the contract has it. */
export function messageOf({ createdAt, ...user }: User): UserMessage {
  return { ...user, createTime: createdAt };
}
