import type { Event } from "./event.ts";
import type { Inbox, Tables } from "./inbox.ts";

/** What is to become of an event: it was dealt with before, or it has to wait behind another one. */
export type Admission = "handle" | "known" | "wait";

/** The way by which an event comes. */
export interface Passage {
  /** What will become of it, as far as can be told without the lock: it spares the slow part. */
  foresee(tables: Tables, event: Event): Promise<Admission>;
  /** Whether to handle it. Under the lock of its source. */
  admit(tables: Tables, event: Event, cursor: number): Promise<Admission>;
  /** Notes that it is dealt with: handled, known, waiting or set aside. Under the same lock. */
  passed(tables: Tables, event: Event): Promise<void>;
}

/** Thrown when somebody else has begun the log anew: what was read of it follows nothing any more. */
export class CursorMoved extends Error {
  override readonly name: string = "CursorMoved";
}

/** Thrown when an event comes at a position that was handled and is none of those that were: the log may be another one than it was. */
export class PositionTaken extends CursorMoved {
  override readonly name = "PositionTaken";
}

type AnyInbox = Pick<Inbox<unknown>, "isKnown" | "isBlocked" | "isSetAside" | "waitsBehindEarlier" | "moveCursor" | "takeBack">;

/** By itself: what was handled before it is not asked. */
export function alone(inbox: AnyInbox): Passage {
  const admit = async (tables: Tables, event: Event) => {
    if (await inbox.isKnown(tables, event)) return "known";
    return (await inbox.isBlocked(tables, event)) ? "wait" : "handle";
  };
  return { foresee: admit, admit, passed: (tables, event) => inbox.moveCursor(tables, event) };
}

/**
 * In the order of the log.
 *
 * @param from.after the position of the event before it, as its reader has seen it.
 * @param from.heeded whether its type is handled here: of the others nobody notes that they came.
 */
export function inOrder(inbox: AnyInbox, { after, heeded }: { after: number; heeded: boolean }): Passage {
  const passage = alone(inbox);
  return {
    ...passage,
    async admit(tables, event, cursor) {
      if (cursor >= Number(event.position)) {
        // Another replica was faster, or the event comes twice.
        if (!heeded || (await inbox.isKnown(tables, event))) return "known";
        throw new PositionTaken(`another event of ${event.source} was handled at that position`);
      }
      if (cursor < after) throw new CursorMoved(`the cursor of ${event.source} has been moved`);
      return passage.admit(tables, event, cursor);
    },
  };
}

/** Out of those that are set aside. */
export function takenBack(inbox: AnyInbox): Passage {
  return {
    foresee: async () => "handle",
    admit: async (tables, event) => ((await inbox.takeBack(tables, event)) === undefined ? "known" : "handle"),
    passed: async () => {},
  };
}

/**
 * Once more, whether it was handled or not.
 *
 * @param replay what it is part of: when another one has taken its place, nothing is handled for it, and nothing noted in the other.
 */
export function replayed(inbox: AnyInbox, { since_ms, until_position }: { since_ms: number; until_position: number }): Passage {
  const standing = async (tables: Tables, event: Event) => {
    const replay = tables.selectFrom("event_replays").select("position").where("source", "=", event.source);
    const own = replay.where("since_ms", "=", since_ms).where("until_position", "=", until_position);
    const { position } = (await own.executeTakeFirst()) ?? {};
    if (position === undefined || position >= Number(event.position)) return "known";
    if (await inbox.isSetAside(tables, event)) return "known";
    // A later one that is set aside does not hold it up.
    return (await inbox.waitsBehindEarlier(tables, event)) ? "wait" : "handle";
  };
  return {
    foresee: standing,
    admit: standing,
    async passed(tables, event) {
      const position = Number(event.position);
      const update = tables.updateTable("event_replays").set({ position }).where("source", "=", event.source);
      const own = update.where("since_ms", "=", since_ms).where("until_position", "=", until_position);
      await own.where("position", "<", position).execute();
    },
  };
}
