import type { Message, Options } from "amqplib";
import { type Event, SPEC_VERSION } from "./event.ts";

/** Where all events of the shop are published, with their type as the routing key. */
export const EXCHANGE = "bookmesh.events";
/** Where messages go that are no events. */
export const DEAD_EXCHANGE = "bookmesh.events.dead";

const CONTENT_TYPE = "application/protobuf";
/** The prefix of the AMQP protocol binding of CloudEvents 1.0. */
const PREFIX = "cloudEvents:";

/**
 * An event as the properties of a message, whose body is the data of the event:
 * the binary content mode of the AMQP protocol binding of CloudEvents 1.0.
 */
export function propertiesOf(event: Event): Options.Publish {
  const attributes = {
    specversion: event.specVersion,
    id: event.id,
    source: event.source,
    type: event.type,
    subject: event.subject,
    time: event.time?.toISOString() ?? "",
    position: String(event.position),
    traceparent: event.traceParent,
  };
  const headers = Object.entries(attributes).flatMap(([name, value]) => (value === "" ? [] : [[PREFIX + name, value]]));
  return {
    ...{ persistent: true, mandatory: true, contentType: CONTENT_TYPE, messageId: event.id, type: event.type },
    headers: Object.fromEntries(headers),
  };
}

/** The longest that consumers can keep. */
const LONGEST: Readonly<Record<string, number>> = { id: 64, source: 63, type: 200, traceparent: 55 };

/** @throws NoEvent if the message is none. */
export function eventOfMessage({
  content,
  properties,
}: Pick<Message, "content"> & { properties: Partial<Message["properties"]> }): Event {
  const attribute = (name: string): string => {
    const value: unknown = properties.headers?.[PREFIX + name];
    if (typeof value !== "string") return "";
    // Such an event could neither be handled nor set aside, and those behind it would wait for ever.
    const isTooLong = value.length > (LONGEST[name] ?? Number.POSITIVE_INFINITY);
    if (isTooLong || value.includes("\0")) throw new NoEvent(`the message has no ${name} that can be kept`);
    return value;
  };
  const required = (name: string): string => {
    const value = attribute(name);
    if (value === "") throw new NoEvent(`the message has no ${name}`);
    return value;
  };
  if (required("specversion") !== SPEC_VERSION) throw new NoEvent("the message has another version of CloudEvents");
  const position = required("position");
  if (!/^[1-9]\d{0,15}$/.test(position)) throw new NoEvent("the message has no position in a log");
  const time = attribute("time");
  if (time !== "" && Number.isNaN(Date.parse(time))) throw new NoEvent("the message has no time");
  return {
    ...{ id: required("id"), source: required("source"), specVersion: SPEC_VERSION, type: required("type") },
    subject: attribute("subject"),
    time: time === "" ? undefined : new Date(time),
    position: BigInt(position),
    traceParent: attribute("traceparent"),
    data: content,
  };
}

/** Thrown for a message that is no event of a log. */
export class NoEvent extends Error {
  override readonly name = "NoEvent";
}
