import { eventOfMessage, NoEvent, propertiesOf } from "./amqp-message.ts";
import type { Event } from "./event.ts";

const event: Event = {
  ...{ id: "6f9", source: "orders", specVersion: "1.0", type: "bookstore.events.v1.OrderPlaced", subject: "orders/1" },
  time: new Date("2026-11-21T20:00:00.123Z"),
  position: 9_007_199_254_740_991n,
  traceParent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  data: Buffer.from([0, 1, 255]),
};
const messageOf = (one: Event) => ({ content: one.data, properties: propertiesOf(one) });

test("an event is the same after it was a message", () => {
  const bare = { ...event, subject: "", time: undefined, traceParent: "", data: Buffer.alloc(0) };

  expect(eventOfMessage(messageOf(event))).toEqual(event);
  expect(eventOfMessage(messageOf(bare))).toEqual(bare);
});

test("a message is kept, given back if nobody takes it, and named as CloudEvents asks", () => {
  expect(propertiesOf(event)).toMatchObject({
    ...{ persistent: true, mandatory: true, contentType: "application/protobuf" },
    headers: { "cloudEvents:id": "6f9", "cloudEvents:specversion": "1.0", "cloudEvents:time": "2026-11-21T20:00:00.123Z" },
  });
});

test.each([
  ["no headers", undefined],
  ["no id", { "cloudEvents:id": undefined }],
  ["no source", { "cloudEvents:source": "" }],
  ["an id that is no text", { "cloudEvents:id": { a: 1 } }],
  ["another version", { "cloudEvents:specversion": "2.0" }],
  ["no position", { "cloudEvents:position": undefined }],
  ["a position before the first", { "cloudEvents:position": "0" }],
  ["a position that is none", { "cloudEvents:position": "1e3" }],
  ["a time that is none", { "cloudEvents:time": "yesterday" }],
  ["an id that no table takes", { "cloudEvents:id": "a".repeat(65) }],
  ["a subject that no table takes", { "cloudEvents:subject": "a\0" }],
])("a message with %s is no event", (_what, headers) => {
  const { content, properties } = messageOf(event);
  const changed = { content, properties: { ...properties, headers: headers && { ...properties.headers, ...headers } } };

  expect(() => eventOfMessage(changed)).toThrow(NoEvent);
});
