import type { FastifyRequest } from "fastify";
import type { User } from "../../../gen/bookstore/register/v1/register_service.ts";

/** Somebody whose session register has given, and not ended. */
export interface SignedIn {
  readonly kind: "signed in";
  readonly userId: string;
  /** What calls for this visitor carry. Verified. */
  readonly accessToken: string;
  /** Undefined while register does not answer: the shop goes on without the name. */
  readonly user: User | undefined;
}

/** Who looks at a page. */
export type Visitor =
  | SignedIn
  | { readonly kind: "guest" }
  /** Somebody who brings a session, of which nobody can say now whether it is one. */
  | { readonly kind: "unknown" };

export const GUEST = { kind: "guest" } as const satisfies Visitor;
export const UNKNOWN = { kind: "unknown" } as const satisfies Visitor;

const visitors = new WeakMap<FastifyRequest, Visitor>();

/** Who sent a request. A guest, where nobody has looked. */
export function visitorOf(request: FastifyRequest): Visitor {
  return visitors.get(request) ?? GUEST;
}

export function setVisitor(request: FastifyRequest, visitor: Visitor): void {
  visitors.set(request, visitor);
}

/** The id of whoever asks for a page that only users get to see. */
export function userIdOf(request: FastifyRequest): string {
  const visitor = visitorOf(request);
  if (visitor.kind !== "signed in") throw new Error("nobody is signed in");
  return visitor.userId;
}
