import type { Transaction } from "kysely";
import type { Event, EventType } from "./event.ts";

/** Writes what an event leads to, in the transaction that also notes the event as handled. */
export type Effect<Schema> = (transaction: Transaction<Schema>) => Promise<void>;

/**
 * Does what may take long (asking others), then returns what is to be written:
 * that runs in the transaction which also notes the event as handled, so each
 * effect happens exactly once.
 *
 * Throwing means to try again: after some tries the event is set aside, but for
 * errors which say that a dependency is away, with which it is tried for as
 * long as it takes. What it does itself may be done more than once.
 */
export type EventHandler<T, Schema> = (data: T, event: Event) => Promise<Effect<Schema> | undefined>;

/** One type of events that a service handles. */
export interface Subscription<Schema> {
  readonly type: string;
  /** @throws UndecodableEvent */
  prepare(event: Event): Promise<Effect<Schema> | undefined>;
}

/** Thrown for an event whose data is not what its type says: trying again does not help. */
export class UndecodableEvent extends Error {
  override readonly name = "UndecodableEvent";
}

/** Handles the events of one type. */
export function on<T, Schema>(type: EventType<T>, handler: EventHandler<T, Schema>): Subscription<Schema> {
  return {
    type: type.$type,
    prepare: (event) => handler(decode(type, event.data), event),
  };
}

function decode<T>(type: EventType<T>, data: Uint8Array): T {
  try {
    return type.decode(data);
  } catch (error) {
    throw new UndecodableEvent(`the data is no ${type.$type}`, { cause: error });
  }
}
