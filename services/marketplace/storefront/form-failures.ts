import type { FastifyReply } from "fastify";
import { ClientError, Status } from "nice-grpc-common";
import { CallFailure } from "../../../clients/call-failure.ts";
import { formatWait } from "./format.ts";
import { showPage } from "./page.ts";
import type { Problems } from "./pages/form.ts";
import type { PageParts } from "./pages/layout.ts";

/** What to answer to a form whose call has failed. */
interface FormFailure {
  status: number;
  problems: Problems;
  /** When another attempt may help. */
  retryAfterSeconds?: number;
}

/** What a form says of failures that are its own. */
export interface FormFailureOptions {
  /** The names of its fields. Those of the contract are the same in snake_case. */
  fields: readonly string[];
  /** The names of those that stand deeper in the request, by their paths there. */
  paths?: Readonly<Record<string, string>>;
  /** What to say of failures that the contract names, by their reasons. */
  reasons: Readonly<Record<string, Pick<FormFailure, "status" | "problems">>>;
  /** What to say of all others: what cannot be done just now. */
  otherwise: string;
}

const DEFAULT_WAIT_MS = 60_000;

/**
 * Does what a form asks for or, if a call fails, shows the form again with what is wrong.
 *
 * @param act sends the answer, unless it fails.
 */
export async function orShowProblems(
  reply: FastifyReply,
  act: () => Promise<FastifyReply>,
  options: FormFailureOptions & { show(problems: Problems): PageParts | Promise<PageParts> },
): Promise<FastifyReply> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const { status, problems, retryAfterSeconds } = explain(error, options);
    if (retryAfterSeconds !== undefined) reply.header("retry-after", retryAfterSeconds);
    return showPage(reply.status(status), await options.show(problems));
  }
}

/** Nothing of what the server said is shown but what is wrong with fields. */
function explain(error: ClientError, { fields, paths = {}, reasons, otherwise }: FormFailureOptions): FormFailure {
  const { reason = "", violations = [], retryAfterMs = DEFAULT_WAIT_MS } = error instanceof CallFailure ? error : {};
  const wrong = violations.map(({ field, description }) => [paths[field] ?? camelCase(field), description] as const);
  const own = wrong.filter(([field]) => fields.includes(field));
  if (error.code === Status.INVALID_ARGUMENT && own.length > 0) {
    return { status: 422, problems: { fields: Object.fromEntries(own) } };
  }
  if (Object.hasOwn(reasons, reason)) return reasons[reason] as FormFailure;
  if (error.code === Status.RESOURCE_EXHAUSTED) {
    const tooMany = reason === "TOO_MANY_ATTEMPTS";
    const why = tooMany ? "There were too many attempts." : "Too many people are at this door just now.";
    const message = `${why} Please try again in ${formatWait(retryAfterMs)}.`;
    const retryAfterSeconds = Math.ceil(retryAfterMs / 1_000);
    return { status: tooMany ? 429 : 503, problems: { message, fields: {} }, retryAfterSeconds };
  }
  return { status: 503, problems: { message: `${otherwise} Please try again in a minute.`, fields: {} } };
}

function camelCase(field: string): string {
  return field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
