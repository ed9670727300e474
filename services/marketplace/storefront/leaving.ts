import type { FastifyReply } from "fastify";

/**
 * Aborts when the visitor is gone, also one who was gone before anybody asked:
 * then there is no event any more, and what is opened for the answer would stay open.
 */
export function leaving({ raw }: Pick<FastifyReply, "raw">): AbortSignal {
  if (raw.destroyed) return AbortSignal.abort();
  const left = new AbortController();
  raw.once("close", () => left.abort());
  return left.signal;
}
