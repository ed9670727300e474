import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";

export interface ForgettingDeps {
  store: {
    forgetDeliveries(before: Date): Promise<void>;
    forgetNotifications(before: Date): Promise<void>;
  };
  /** How long logs keep what has happened. */
  eventRetentionDays: number;
  /** How long users can look up what they were told. */
  notificationRetentionDays: number;
  now(): Date;
  logger: Logger;
}

const DAY_MS = 86_400_000;
const FORGET_EVERY_MS = 3_600_000;

/** Forgets what was told long ago, now and then every hour. @returns stops it. */
export function startForgetting(deps: ForgettingDeps): ReturnType<typeof pollEvery> {
  const failed = (error: unknown) => deps.logger.warn({ err: error }, "could not forget what was told long ago");
  forgetOld(deps).catch(failed);
  return pollEvery(FORGET_EVERY_MS, () => forgetOld(deps), failed);
}

/**
 * Does so once: first what was delivered so long ago that nothing can have it
 * delivered again, then the Notifications.
 */
export async function forgetOld(deps: Omit<ForgettingDeps, "logger">): Promise<void> {
  const { store, eventRetentionDays, notificationRetentionDays, now } = deps;
  const daysAgo = (days: number) => new Date(now().getTime() - days * DAY_MS);
  // Twice as long as logs keep events: some are handled late.
  const repeatableDays = 2 * eventRetentionDays;
  await store.forgetDeliveries(daysAgo(repeatableDays));
  // A call that is repeated is answered with the Notification.
  await store.forgetNotifications(daysAgo(Math.max(notificationRetentionDays, repeatableDays)));
}
