import type { FastifyReply } from "fastify";
import { ClientError, Status } from "nice-grpc-common";
import { CallFailure } from "../../../clients/call-failure.ts";
import { showPage } from "./page.ts";
import type { PageParts } from "./pages/layout.ts";

/** What to answer to a call that has failed. */
export interface FailurePage {
  status: number;
  page: PageParts;
}

export interface FailurePages {
  /** What to say of failures that the contract names, by their reasons. */
  reasons?: Readonly<Record<string, (failure: CallFailure) => FailurePage | Promise<FailurePage>>>;
  /** What to say of all others: a part of the shop is away. */
  otherwise: PageParts | (() => PageParts);
}

const RETRY_SECONDS = 30;

/**
 * Answers a request or, if a call fails, says what happened and what to do.
 *
 * @param act sends the answer, unless it fails.
 */
export async function orExplain(
  reply: FastifyReply,
  act: () => Promise<FastifyReply>,
  { reasons = {}, otherwise }: FailurePages,
): Promise<FastifyReply> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const explain = error instanceof CallFailure && Object.hasOwn(reasons, error.reason ?? "") && reasons[error.reason ?? ""];
    if (explain) {
      const { status, page } = await explain(error);
      return showPage(reply.status(status), page);
    }
    // What an address says, such as a token for a page, and is not so.
    if (error.code === Status.INVALID_ARGUMENT) throw error;
    return showPage(
      reply.status(503).header("retry-after", RETRY_SECONDS),
      typeof otherwise === "function" ? otherwise() : otherwise,
    );
  }
}
