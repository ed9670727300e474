import type { EventLog } from "./event-log.ts";

/** How long a process has the lease that has shown no sign of life. */
export const LEASE_MS = 15_000;
/** No process can have it for that long: the clock of the one that took it was wrong. */
const TOO_LONG_MS = 4 * LEASE_MS;

/** Which of the replicas hands the events of a log on to a broker, and how far that has come. */
export class RelayLease {
  readonly #log: EventLog;
  readonly #owner: string;
  readonly #now: () => Date;

  /** @param owner this process. */
  constructor(log: EventLog, owner: string, now: () => Date) {
    this.#log = log;
    this.#owner = owner;
    this.#now = now;
  }

  /** Takes the lease, or keeps it for longer. @returns the position up to which events are handed on; undefined if another process has it. */
  async take(): Promise<number | undefined> {
    const now = this.#now().getTime();
    const row = await this.#log.tables
      .updateTable("event_relay")
      .set({ owner: this.#owner, lease_until_ms: now + LEASE_MS })
      .where((relay) =>
        relay.or([
          relay("owner", "=", this.#owner),
          relay("lease_until_ms", "<", now),
          relay("lease_until_ms", ">", now + TOO_LONG_MS),
        ]),
      )
      .returning("relayed_position")
      .executeTakeFirst();
    return row?.relayed_position;
  }

  /** Notes how far events are handed on. @returns whether this process has the lease still. */
  async note(position: number): Promise<boolean> {
    const update = this.#log.tables.updateTable("event_relay").set({ relayed_position: position });
    const { numUpdatedRows } = await update.where("owner", "=", this.#owner).executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /**
   * Notes that the log is to be handed on from its beginning, unless the store says that it is handed on up to elsewhere:
   * then that has come further, or was restored to what it was before, and it is to go on from there.
   *
   * @param position up to which it was handed on when this process began to.
   * @returns whether it is noted.
   */
  async beginAnew(position: number): Promise<boolean> {
    const update = this.#log.tables.updateTable("event_relay").set({ relayed_position: 0 }).where("owner", "=", this.#owner);
    const { numUpdatedRows } = await update.where("relayed_position", "=", position).executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Lets another process have it. */
  async release(): Promise<void> {
    await this.#log.tables.updateTable("event_relay").set({ lease_until_ms: 0 }).where("owner", "=", this.#owner).execute();
  }
}
