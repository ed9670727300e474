import { Failure, invalidField } from "../../runtime/errors.ts";
import { clientKey } from "./client-address.ts";

/** A user of the shop. */
export interface User {
  id: string;
  email: string;
  name: string;
  /** May be empty. */
  language: string;
  /** May be empty. */
  country: string;
  createdAt: Date;
}

/** An e-mail address as it is compared: without upper and lower case. */
export function emailKey(email: string): string {
  return email.toLowerCase();
}

/** What a user can change. */
export type Profile = Pick<User, "email" | "name" | "language" | "country">;

/** What is undefined stays as it is. */
export type ProfileChanges = { [Key in keyof Profile]?: Profile[Key] | undefined };

/** Where a page of users begins: behind this one. */
export interface UserPosition {
  createdAtMs: number;
  id: string;
}

export interface UserStore {
  /**
   * Adds a user.
   *
   * @returns "email taken" or "id taken" and changes nothing if another user has it.
   */
  add(user: User, passwordHash: string | undefined): Promise<"added" | "email taken" | "id taken">;
  get(id: string): Promise<User | undefined>;
  /** Upper and lower case do not matter. */
  getByEmail(email: string): Promise<User | undefined>;
  /** @returns undefined if there is no such user. */
  update(id: string, changes: ProfileChanges): Promise<User | "email taken" | undefined>;
  /** Deletes a user for good, and tells others; the id is never free again. @returns whether there was such a user. */
  delete(id: string): Promise<boolean>;
  /** Oldest account first. */
  list(after: UserPosition | undefined, limit: number): Promise<User[]>;
}

/** Who waits for a password to be hashed. */
export interface HashingFor {
  /** The address of the end user; undefined if nobody has said. */
  clientAddress: string | undefined;
  /** Aborts when the caller is gone. */
  signal: AbortSignal | undefined;
}

export interface RegisterDeps {
  store: UserStore;
  hashPassword(password: string, hashingFor: HashingFor): Promise<string>;
  /** A number from `min` to `max`, `max` excluded. */
  randomInt(min: number, max: number): number;
  now(): Date;
}

/** Ids have seven digits, as those of the system before this one; eight when seven get scarce. */
const FIRST_IDS = [7_000_000, 10_000_000] as const;
const MORE_IDS = [10_000_000, 100_000_000] as const;
const ATTEMPTS_AT_FIRST_IDS = 20;
const ATTEMPTS = 40;

export interface NewUser extends Profile {
  password?: string | undefined;
  /** The address of the end user; empty if nobody has said. */
  clientAddress?: string;
}

/** Registers a user. Of two with one address, one gets the account. @param signal aborts when the caller is gone. */
export async function registerUser(deps: RegisterDeps, input: NewUser, signal?: AbortSignal): Promise<User> {
  const { email, name, language, country, password } = tidy(input);
  const clientAddress = input.clientAddress || undefined;
  if (clientAddress !== undefined && clientKey(clientAddress) === undefined)
    throw invalidField("client_address", "must be an IP address");
  const passwordHash = password === undefined ? undefined : await deps.hashPassword(password, { clientAddress, signal });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [min, max] = attempt < ATTEMPTS_AT_FIRST_IDS ? FIRST_IDS : MORE_IDS;
    const id = String(deps.randomInt(min, max));
    const user: User = { id, email, name, language, country, createdAt: deps.now() };
    const outcome = await deps.store.add(user, passwordHash);
    if (outcome === "added") return user;
    if (outcome === "email taken") throw emailTaken();
  }
  throw new Failure("unavailable", "no free user id was found; try again");
}

/** The user with this id. */
export async function getUser(store: Pick<UserStore, "get">, id: string): Promise<User> {
  return (await store.get(id)) ?? refuseUnknown();
}

/** Changes what is given and leaves the rest. */
export async function updateUser(store: UserStore, id: string, changes: ProfileChanges): Promise<User> {
  const outcome = await store.update(id, tidy(changes));
  if (outcome === undefined) return refuseUnknown();
  if (outcome === "email taken") throw emailTaken();
  return outcome;
}

/** Deletes the user with this id. */
export async function deleteUser(store: UserStore, id: string): Promise<void> {
  if (!(await store.delete(id))) refuseUnknown();
}

function refuseUnknown(): never {
  throw unknownUser();
}

export function unknownUser(): Failure {
  return new Failure("not-found", "no such user", { reason: "USER_NOT_FOUND" });
}

function emailTaken(): Failure {
  return new Failure("conflict", "already registered.", { reason: "EMAIL_TAKEN" });
}

/** White space around a name is a slip of the finger; a name of nothing else is none. */
function tidy<T extends ProfileChanges>(profile: T): T {
  if (profile.name === undefined) return profile;
  const name = profile.name.trim();
  if (name === "") throw invalidField("name", "is required");
  return { ...profile, name };
}
