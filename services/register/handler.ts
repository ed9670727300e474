import type { RegisterServiceImplementation, User as UserMessage } from "../../gen/bookstore/register/v1/register_service.ts";
import { invalidField } from "../../runtime/errors.ts";
import { decodePageToken, encodePageToken, pageOf } from "../../runtime/page-token.ts";
import { AddressChanges } from "./address-changes.ts";
import { deleteUser, getUser, type RegisterDeps, registerUser, type User, updateUser } from "./user.ts";

const DEFAULT_PAGE_SIZE = 20;
const DEFAULT_IDS = 100;

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
      const { users, nextPageToken } = await pageOfUsers(store, {
        bound: "users",
        size: pageSize || DEFAULT_PAGE_SIZE,
        pageToken,
      });
      return { users: users.map(messageOf), nextPageToken };
    },

    async listUserIds({ pageSize, pageToken }) {
      const { users, nextPageToken } = await pageOfUsers(store, { bound: "ids", size: pageSize || DEFAULT_IDS, pageToken });
      return { userIds: users.map(({ id }) => id), nextPageToken };
    },
  };
}

/** @param page.bound what is listed: a token of another list is refused. */
async function pageOfUsers(store: RegisterDeps["store"], page: { bound: string; size: number; pageToken: string }) {
  const { bound, size, pageToken } = page;
  const position = decodePageToken(pageToken, bound, ["number", "string"]);
  const after = position && { createdAtMs: position[0], id: position[1] };
  const { page: users, last } = await pageOf(size, (limit) => store.list(after, limit));
  return { users, nextPageToken: last ? encodePageToken([last.createdAt.getTime(), last.id], bound) : "" };
}

/** A user as the contract has it. */
export function messageOf({ createdAt, ...user }: User): UserMessage {
  return { ...user, createTime: createdAt };
}
