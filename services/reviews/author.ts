import { Failure } from "../../runtime/errors.ts";

/** Who writes, as far as others are told. */
export interface Author {
  /** Meant to be seen by everybody. May be empty. */
  name: string;
}

/** Asks register who a user is; undefined if nobody is. */
export type FindAuthor = (userId: string) => Promise<Author | undefined>;

/** @param purpose what needs an account: "to comment". */
export async function requireAuthor(findAuthor: FindAuthor, userId: string, purpose: string): Promise<Author> {
  const author = await findAuthor(userId);
  return author ?? refuseUnregistered(purpose);
}

export function refuseUnregistered(purpose: string): never {
  throw new Failure("failed-precondition", `You need to register ${purpose}.`, { reason: "USER_NOT_REGISTERED" });
}
