import type { FastifyReply } from "fastify";
import { isStoreUnavailable } from "../database.ts";
import { Failure, type FailureKind } from "../errors.ts";
import type { Logger } from "../logger.ts";

/** As google.rpc.Code maps them. */
const STATUSES: Readonly<Record<FailureKind, number>> = {
  invalid: 400,
  "out-of-range": 400,
  unauthenticated: 401,
  denied: 403,
  "not-found": 404,
  conflict: 409,
  "failed-precondition": 400,
  aborted: 409,
  exhausted: 429,
  unimplemented: 501,
  unavailable: 503,
  "deadline-exceeded": 504,
};

const MESSAGES: ReadonlyMap<number, string> = new Map([
  [404, "Not found"],
  [413, "The body is too large"],
  [415, "The body must be JSON, and its content-type application/json"],
]);

/**
 * Answers {"error": "...", "reason": "..."}, the reason where there is one.
 *
 * @param error a Failure, an error of Fastify's, or anything else: a bug, of which the caller learns nothing.
 */
export function answerError(error: unknown, reply: FastifyReply, logger: Logger): FastifyReply {
  if (error instanceof Failure) {
    if (error.retryAfterMs !== undefined) reply.header("retry-after", Math.ceil(error.retryAfterMs / 1_000));
    return reply.status(STATUSES[error.kind]).send({ error: error.message, reason: error.reason });
  }
  if (isStoreUnavailable(error)) {
    logger.error({ err: error }, "the store cannot be reached");
    return reply.status(503).send({ error: "The store cannot be reached" });
  }
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) {
    const isBody = error instanceof SyntaxError || String((error as { code?: unknown }).code).startsWith("FST_ERR_CTP_");
    return reply.status(status).send({ error: MESSAGES.get(status) ?? (isBody ? "The body is not JSON" : "Bad request") });
  }
  logger.error({ err: error }, "request failed");
  return reply.status(500).send({ error: "Internal error" });
}
