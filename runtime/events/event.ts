import type { Event } from "../../gen/mesh/events/v1/event.ts";

export type { Event } from "../../gen/mesh/events/v1/event.ts";

/** The codec of a message that says what has happened, as ts-proto makes it. */
export interface EventType<T> {
  /** The full name of the message: what events of it are told apart by. */
  readonly $type: string;
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** The version of CloudEvents that events follow. */
export const SPEC_VERSION = "1.0";

/** How the tables keep an event, but for its source. */
export interface EventRow {
  position: number;
  id: string;
  type: string;
  subject: string;
  time_ms: number;
  trace_parent: string;
  /** In base64: the one way to keep bytes that both kinds of store give back alike. */
  data: string;
}

export function eventOf(source: string, row: EventRow): Event {
  const { id, type, subject, position } = row;
  return {
    ...{ id, source, specVersion: SPEC_VERSION, type, subject },
    time: new Date(row.time_ms),
    position: BigInt(position),
    traceParent: row.trace_parent,
    data: Buffer.from(row.data, "base64"),
  };
}

export function rowOf(event: Event): EventRow {
  const { id, type, subject, traceParent, data } = event;
  return {
    ...{ id, type, subject, trace_parent: traceParent },
    position: Number(event.position),
    time_ms: event.time?.getTime() ?? 0,
    data: Buffer.from(data).toString("base64"),
  };
}
