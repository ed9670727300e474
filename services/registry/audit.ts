import type { CallContext } from "../../runtime/call-context.ts";
import { Failure } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { spiffeId } from "../../runtime/spiffe.ts";
import { NO_RULES, type RuleBook } from "./traffic.ts";
import type { Change } from "./traffic-control.ts";

/** A command as the log names it. */
export interface Command {
  /** As in "SetSplit". */
  readonly command: string;
  /** What it is about: a service, the id of an instance, or "" for everything. */
  readonly target: string;
}

/** What one line shows of a change to everything. */
const MOST_SERVICES = 20;
const MOST_IDS = 100;

/**
 * Runs a command and writes one line about it: who has changed what, from what
 * to what; or who wanted to, and why that was refused.
 */
export async function audited(
  logger: Logger,
  caller: CallContext["caller"],
  command: Command,
  run: () => Promise<Change>,
): Promise<Change> {
  const line = { audit: true, actor: caller && spiffeId(caller), ...command };
  try {
    const change = await run();
    const [before, after] = [change.before, change.after].map((rules) => shown(change.services, rules));
    logger.info({ ...line, services: change.services.slice(0, MOST_SERVICES), before, after }, "traffic changed");
    return change;
  } catch (error) {
    const reason = error instanceof Failure ? (error.reason ?? error.message) : "the rules could not be stored";
    logger.info({ ...line, reason }, "traffic command refused");
    throw error;
  }
}

function shown(services: readonly string[], rules: RuleBook) {
  const some = services.slice(0, MOST_SERVICES).map((service) => {
    const { ejected, ...others } = rules.get(service) ?? NO_RULES;
    return [service, { ...others, ejected: [...ejected].slice(0, MOST_IDS) }] as const;
  });
  return Object.fromEntries(some);
}
