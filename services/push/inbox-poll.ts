import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";
import type { Wakeups } from "../../runtime/wakeups.ts";
import type { NotificationStore } from "./notification.ts";

/**
 * Wakes the subscribers of users who got something through another replica:
 * the store is all that replicas have in common.
 */
export class InboxPoll {
  readonly #store: Pick<NotificationStore, "lastIds">;
  readonly #wakeups: Wakeups<string>;
  readonly #logger: Logger;
  #known: ReadonlyMap<string, number> = new Map();

  constructor(store: Pick<NotificationStore, "lastIds">, wakeups: Wakeups<string>, logger: Logger) {
    this.#store = store;
    this.#wakeups = wakeups;
    this.#logger = logger;
  }

  /** Looks every `intervalMs` milliseconds. @returns stops it. */
  start(intervalMs: number): () => Promise<void> {
    return pollEvery(
      intervalMs,
      () => this.look(),
      (error) => this.#logger.warn({ err: error }, "could not look for new notifications"),
    );
  }

  /** Looks once. */
  async look(): Promise<void> {
    const users = this.#wakeups.watched();
    const now = users.length === 0 ? new Map<string, number>() : await this.#store.lastIds(users);
    for (const [userId, lastId] of now) {
      if (this.#known.get(userId) !== lastId) this.#wakeups.wake(userId);
    }
    this.#known = now;
  }
}
