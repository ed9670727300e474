import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";

export interface ForgettingDeps {
  store: { forgetDeliveries(before: Date): Promise<void> };
  /** How long logs keep what has happened. */
  eventRetentionDays: number;
  now(): Date;
  logger: Logger;
}

const DAY_MS = 86_400_000;
const FORGET_EVERY_MS = 3_600_000;

/** Forgets what was delivered so long ago that nothing can have it delivered again, now and then every hour. @returns stops it. */
export function startForgetting(deps: ForgettingDeps): ReturnType<typeof pollEvery> {
  const failed = (error: unknown) => deps.logger.warn({ err: error }, "could not forget what was delivered long ago");
  forgetOld(deps).catch(failed);
  return pollEvery(FORGET_EVERY_MS, () => forgetOld(deps), failed);
}

/** Does so once. Twice as long as logs keep events: some are handled late. */
export function forgetOld({ store, eventRetentionDays, now }: Omit<ForgettingDeps, "logger">): Promise<void> {
  return store.forgetDeliveries(new Date(now().getTime() - 2 * eventRetentionDays * DAY_MS));
}
