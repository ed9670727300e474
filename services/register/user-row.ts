import type { UserRow } from "./schema.ts";
import { emailKey, type User } from "./user.ts";

export function rowOf(user: User, passwordHash: string | undefined): UserRow {
  const { id, email, name, language, country } = user;
  return {
    ...{ id, email, name, language, country },
    email_key: emailKey(email),
    password_hash: passwordHash ?? null,
    created_at_ms: user.createdAt.getTime(),
    administrator: 0,
  };
}

export function userOf(row: UserRow): User;
export function userOf(row: UserRow | undefined): User | undefined;
export function userOf(row: UserRow | undefined): User | undefined {
  if (row === undefined) return undefined;
  const { id, email, name, language, country } = row;
  return { id, email, name, language, country, createdAt: new Date(row.created_at_ms) };
}
