import { randomUUID } from "node:crypto";
import { Metadata, Status } from "nice-grpc";
import { Registry } from "prom-client";
import { EventConsumerServiceDefinition } from "../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventLogServiceDefinition } from "../gen/bookstore/events/v1/event_log_service.ts";
import { EventConsumer } from "../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../runtime/events/event-consumer-handler.ts";
import { eventLogHandler } from "../runtime/events/event-log-handler.ts";
import { openTestStore, type TestSchema, type TestStore, writeDown } from "../runtime/events/testing.ts";
import { createLogger } from "../runtime/logger.ts";
import { testDatabase } from "../test/support/database.ts";
import { CALLER_HEADER } from "../test/support/plaintext.ts";
import { startService } from "../test/support/service.ts";
import { until } from "../test/support/until.ts";
import { type EventConsumerClient, type EventLogClient, eventConsumerClient, eventLogClient, eventSource } from "./events.ts";

const logger = createLogger({ name: "test", level: "silent" });

let stack: AsyncDisposableStack;
let store: TestStore;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  store = await openTestStore(stack.use(await testDatabase()).url, logger);
  stack.defer(store.close);
});
afterEach(() => stack.disposeAsync());

const as = (caller: string) => ({ metadata: Metadata({ [CALLER_HEADER]: caller }) });

/** A client whose calls are those of a service, or of the operator. */
function asCaller<Client extends object>(client: Client, caller: string): Client {
  const methods = Object.entries(client).map(([name, method]) => [
    name,
    (request: unknown, options = {}) => method(request, { ...options, ...as(caller) }),
  ]);
  return Object.fromEntries(methods);
}

async function serveLog(options: { amqpUrl?: string; port?: number } = {}) {
  return stack.use(
    await startService<EventLogClient>({
      add: (server) => server.add(EventLogServiceDefinition, eventLogHandler(store.log, options)),
      client: eventLogClient,
      port: options.port ?? 0,
    }),
  );
}

function consume(client: EventLogClient, broken: ReadonlySet<string> = new Set()): EventConsumer<TestSchema> {
  const subscriptions = [
    writeDown((text) => {
      if (broken.has(text)) throw new TypeError(text);
    }),
  ];
  const sources = [eventSource("tests", asCaller(client, "push"))];
  const time = { random: () => 0 };
  const consumer = new EventConsumer({
    name: "push",
    db: store.db,
    sources,
    subscriptions,
    logger,
    metrics: new Registry(),
    time,
  });
  stack.defer(() => consumer.close());
  return consumer;
}

test("follows the log of a service, and resumes when that comes back elsewhere in its life", async () => {
  const first = await serveLog();
  const consumer = consume(first.client);
  consumer.start();
  await store.note("a", "one");
  await until(store.effects, ["one"]);

  first.server.forceShutdown();
  await store.note("a", "two");
  await until(async () => (await consumer.state())[0]?.connected, false);
  await serveLog({ port: first.port });

  await until(store.effects, ["one", "two"]);
  await store.note("a", "three");
  await until(store.effects, ["one", "two", "three"]);
});

test("tells with its reason that a log cannot go on from a position", async () => {
  const { client } = await serveLog();
  const source = eventSource("tests", asCaller(client, "push"));

  const reading = source.follow({ afterPosition: 7 }, AbortSignal.timeout(10_000))[Symbol.asyncIterator]().next();

  await expect(reading).rejects.toMatchObject({ code: Status.OUT_OF_RANGE, reason: "EVENTS_GONE" });
});

test("tells likewise that another event has the position, as the log was restored and has gone on otherwise", async () => {
  const { client } = await serveLog();
  const source = eventSource("tests", asCaller(client, "push"));
  await store.note("a", "one", "two");
  const follow = (afterId: string) =>
    source.follow({ afterPosition: 1, afterId }, AbortSignal.timeout(10_000))[Symbol.asyncIterator]().next();
  const { id } = await store.db.selectFrom("event_log").select("id").where("position", "=", 1).executeTakeFirstOrThrow();

  await expect(follow(randomUUID())).rejects.toMatchObject({ code: Status.OUT_OF_RANGE, reason: "EVENTS_GONE" });
  await expect(follow(id)).resolves.toMatchObject({ value: { position: 2 } });
});

test("sends a large batch in messages that gRPC takes", async () => {
  const { client } = await serveLog();
  consume(client).start();
  const large = Array.from({ length: 12 }, (_, i) => `${i}${"x".repeat(700_000)}`);

  await store.note("a", ...large);

  await until(async () => (await store.effects()).length, 12);
});

test("tells operators, and nobody else, how a log stands", async () => {
  const { client } = await serveLog();
  const { client: relaying } = await serveLog({ amqpUrl: "amqp://broker" });
  await store.note("a", "one", "two");
  await store.db.updateTable("event_relay").set({ relayed_position: 1 }).execute();

  const log = { source: "tests", firstPosition: 1n, lastPosition: 2n };
  await expect(client.getEventLog({}, as("operator"))).resolves.toEqual({ ...log, transport: "stream", relayedPosition: 0n });
  await expect(relaying.getEventLog({}, as("operator"))).resolves.toEqual({ ...log, transport: "amqp", relayedPosition: 1n });
  await expect(client.getEventLog({}, as("push"))).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
});

test.each(["gateway", "marketplace", "operator"])("does not let %s follow", async (caller) => {
  const { client } = await serveLog();
  const source = eventSource("tests", asCaller(client, caller));

  const reading = source.follow({ afterPosition: 0 }, AbortSignal.timeout(10_000))[Symbol.asyncIterator]().next();

  await expect(reading).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
});

describe("a consumer tells its operator", () => {
  let consumer: EventConsumer<TestSchema>;
  let client: EventConsumerClient;
  beforeEach(async () => {
    const log = await serveLog();
    consumer = consume(log.client, new Set(["bad"]));
    const service = stack.use(
      await startService<EventConsumerClient>({
        add: (server) => server.add(EventConsumerServiceDefinition, eventConsumerHandler(consumer)),
        client: eventConsumerClient,
      }),
    );
    client = asCaller(service.client, "operator");
    consumer.start();
    await store.note("a", "one");
    for (let i = 1; i <= 3; i++) await store.note(`broken/${i}`, "bad");
    await until(async () => (await consumer.state())[0]?.position, 4);
  });

  test("how far it has come", async () => {
    const cursor = {
      source: "tests",
      position: 4n,
      newestPosition: 4n,
      connected: true,
      replayPosition: 0n,
      replayUntilPosition: 0n,
    };

    expect(await client.getEventConsumer({})).toEqual({
      consumer: "push",
      cursors: [{ ...cursor, handleTime: expect.any(Date) }],
      setAsideCount: 3,
    });
  });

  test("what is set aside, page by page and without the data", async () => {
    const first = await client.listSetAsideEvents({ pageSize: 2 });
    const second = await client.listSetAsideEvents({ pageSize: 2, pageToken: first.nextPageToken });

    const events = [...first.events, ...second.events];
    expect(events.map(({ event }) => event?.position)).toEqual([2n, 3n, 4n]);
    expect(events[0]).toMatchObject({ error: "TypeError", attempts: 5, event: { subject: "broken/1", data: Buffer.alloc(0) } });
    expect(second.nextPageToken).toBe("");
    await expect(client.listSetAsideEvents({ pageToken: "7" })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
  });

  test("what became of a retry, of an event that is dropped, and of a replay", async () => {
    expect(await client.retrySetAsideEvents({})).toEqual({ handledCount: 0, setAsideCount: 3 });
    const { events } = await client.listSetAsideEvents({});
    const eventId = events[0]?.event?.id ?? "";

    expect(await client.dropSetAsideEvent({ source: "tests", eventId })).toEqual({});
    await expect(client.dropSetAsideEvent({ source: "tests", eventId })).rejects.toMatchObject({ code: Status.NOT_FOUND });
    await expect(client.retrySetAsideEvents({ source: "tests", eventId })).rejects.toMatchObject({ code: Status.NOT_FOUND });
    await expect(client.replayEvents({ source: "others", since: new Date() })).rejects.toMatchObject({ code: Status.NOT_FOUND });
    expect(await client.replayEvents({ source: "tests", since: new Date(0) })).toEqual({});
    await until(async () => (await store.effects()).filter((text) => text === "one").length, 2);
  });
});
