import { Failure } from "../errors.ts";
import { type Event, eventOf } from "./event.ts";
import type { SetAsideRow } from "./event-consumer-tables.ts";
import type { EventProcessor } from "./event-processor.ts";
import type { Inbox } from "./inbox.ts";
import { takenBack } from "./passage.ts";

/** Where on the list of events that are set aside a page begins: after this one. */
export type SetAsidePlace = readonly [atMs: number, source: string, position: number];

/** The events that could not be handled, and those that wait behind them. */
export class SetAsideEvents<Schema> {
  readonly #inbox: Inbox<Schema>;
  readonly #processor: EventProcessor<Schema>;

  constructor(inbox: Inbox<Schema>, processor: EventProcessor<Schema>) {
    this.#inbox = inbox;
    this.#processor = processor;
  }

  count(): Promise<number> {
    return this.#inbox.setAsideCount();
  }

  /** Oldest first. */
  async list(after: SetAsidePlace | undefined, limit: number): Promise<SetAsideRow[]> {
    let query = this.#inbox.tables.selectFrom("set_aside_events").selectAll();
    if (after !== undefined) {
      const [atMs, source, position] = after;
      query = query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple("set_aside_at_ms", "source", "position"), ">", tuple(atMs, source, position)),
      );
    }
    return query.orderBy("set_aside_at_ms").orderBy("source").orderBy("position").limit(limit).execute();
  }

  /**
   * Handles events again, each once, and those that wait behind them.
   *
   * @param which one event, all of a source, or all.
   * @returns how many were handled.
   * @throws Failure "not-found" if an event was named that is not set aside.
   */
  async retry(which: { source?: string; id?: string }, signal: AbortSignal): Promise<number> {
    let handled = 0;
    for (const { source, subject, id } of await this.#subjectsOf(which)) {
      handled += await this.#handleAll({ source, subject, id }, { signal, tries: 1 });
    }
    return handled;
  }

  /** Gives an event up: it counts as handled. @throws Failure "not-found". */
  async drop({ source, id }: { source: string; id: string }): Promise<void> {
    await this.#inbox.underLock(source, async (tables) => {
      // In the transaction, which otherwise would leave a cursor for whatever the source is called.
      if ((await this.#inbox.takeBack(tables, { source, id })) === undefined) throw notSetAside();
      await this.#inbox.noteHandled(tables, { source, id });
    });
  }

  /** Handles the events that wait behind none any more. */
  async release(signal: AbortSignal): Promise<void> {
    const heads = await this.#heads().where("attempts", "=", 0).execute();
    for (const head of heads) await this.#handleAll(head, { signal });
  }

  /** Handles all that is set aside of one subject, in its order, until one fails. @returns how many. */
  async #handleAll(
    { source, subject, id }: Pick<SetAsideRow, "source" | "subject" | "id">,
    options: { signal: AbortSignal; tries?: number },
  ): Promise<number> {
    let handled = 0;
    while (true) {
      options.signal.throwIfAborted();
      let rows = this.#inbox.tables.selectFrom("set_aside_events").selectAll().where("source", "=", source);
      // Events without a subject wait for nothing.
      rows = subject === "" ? rows.where("id", "=", id) : rows.where("subject", "=", subject);
      const row = await rows.orderBy("position").limit(1).executeTakeFirst();
      if (row === undefined) return handled;
      const event: Event = eventOf(source, row);
      const outcome = await this.#processor.process(event, takenBack(this.#inbox), { ...options, before: row.attempts });
      if (outcome === "set-aside") return handled;
      if (outcome !== "known") handled++;
    }
  }

  /** The subjects of the events that are meant, each once. */
  async #subjectsOf({ source = "", id = "" }: { source?: string; id?: string }) {
    if (id === "") return (source === "" ? this.#heads() : this.#heads().where("source", "=", source)).execute();
    const rows = this.#inbox.tables.selectFrom("set_aside_events").select(["source", "subject", "id"]);
    const row = await rows.where("source", "=", source).where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw notSetAside();
    return [row];
  }

  /** The first event of each subject: many may wait behind it. */
  #heads() {
    return this.#inbox.tables
      .selectFrom("set_aside_events as head")
      .select(["source", "subject", "id", "attempts"])
      .where(({ or, eb, not, exists, selectFrom }) => {
        const earlier = selectFrom("set_aside_events as earlier")
          .select("earlier.id")
          .whereRef("earlier.source", "=", "head.source")
          .whereRef("earlier.subject", "=", "head.subject")
          .whereRef("earlier.position", "<", "head.position");
        return or([eb("subject", "=", ""), not(exists(earlier))]);
      })
      .orderBy("position");
  }
}

function notSetAside(): Failure {
  return new Failure("not-found", "no such event is set aside", { reason: "EVENT_NOT_SET_ASIDE" });
}
