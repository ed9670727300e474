import { randomUUID } from "node:crypto";
import { type Event, type EventType, SPEC_VERSION } from "../../runtime/events/event.ts";

/** An event as it comes from its source. Position and id are new ones unless they are given. */
export function testEvent<T>(
  type: EventType<T>,
  data: T,
  event: { source: string; subject: string } & Partial<Pick<Event, "id" | "time" | "position">>,
): Event {
  return {
    id: randomUUID(),
    specVersion: SPEC_VERSION,
    type: type.$type,
    time: new Date(),
    position: BigInt(++lastPosition),
    traceParent: "",
    data: Buffer.from(type.encode(data).finish()),
    ...event,
  };
}

let lastPosition = 0;
