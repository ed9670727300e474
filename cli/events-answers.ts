import { ClientError, Status } from "nice-grpc-common";
import type { EventService } from "./events-services.ts";
import { Refused } from "./run-command.ts";

/** What services have said, in the order in which they were given. */
export interface Answers<T> {
  readonly given: readonly { service: string; answer: T }[];
  readonly missing: readonly NoAnswer[];
}

export interface NoAnswer {
  readonly service: string;
  /** Why there is none, in one line. */
  readonly problem: string;
}

/**
 * Asks services at the same time. One that does not answer keeps nobody from hearing the others.
 *
 * @param ask returns undefined for a service that is not to be asked.
 */
export async function askServices<T>(
  services: readonly EventService[],
  ask: (service: EventService) => Promise<T> | undefined,
): Promise<Answers<T>> {
  const asked = services.flatMap((service) => {
    const answer = ask(service);
    return answer === undefined ? [] : [{ service: service.name, answer }];
  });
  const given: { service: string; answer: T }[] = [];
  const missing: NoAnswer[] = [];
  const outcomes = await Promise.allSettled(asked.map(({ answer }) => answer));
  for (const [index, outcome] of outcomes.entries()) {
    const service = asked[index]?.service ?? "";
    if (outcome.status === "fulfilled") given.push({ service, answer: outcome.value });
    else missing.push({ service, problem: problemOf(outcome.reason) });
  }
  return { given, missing };
}

/** @throws Refused that names each service that has not answered, and says why. */
export function requireAll<T>({ given, missing }: Answers<T>): T[] {
  if (missing.length === 0) return given.map(({ answer }) => answer);
  throw new Refused(missing.map(({ service, problem }) => `${service}: ${problem}`).join("\n"));
}

/** What gRPC says of a connection that it has not got; "null" if another call has used up the reason. */
const NO_CONNECTION = /No connection established\. Last error: (?:Error: )?(?!No connection)(null|.*?)\.? Resolution note:/s;

function problemOf(error: unknown): string {
  if (!(error instanceof ClientError)) throw error;
  const [, why] = NO_CONNECTION.exec(error.details) ?? [];
  const problem = why === undefined ? error.details || Status[error.code] || "" : why === "null" ? "no connection" : why;
  return problem.replace(/\s+/g, " ");
}

/** @returns undefined if what was asked about is not there. */
export async function ifFound<T>(call: Promise<T>): Promise<T | undefined> {
  return call.catch((error: unknown) => {
    if (error instanceof ClientError && error.code === Status.NOT_FOUND) return undefined;
    throw error;
  });
}
