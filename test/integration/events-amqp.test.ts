import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { type ChannelModel, connect, type GetMessage } from "amqplib";
import { Registry } from "prom-client";
import { EXCHANGE } from "../../runtime/events/amqp-message.ts";
import { EventConsumer, type EventConsumerOptions } from "../../runtime/events/event-consumer.ts";
import { Relay } from "../../runtime/events/relay.ts";
import { type EventLogOptions, startEventLog } from "../../runtime/events/start-event-log.ts";
import { openTestStore, type TestSchema, type TestStore, writeDown } from "../../runtime/events/testing.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../support/database.ts";
import { LogLines } from "../support/log-lines.ts";
import { until } from "../support/until.ts";
import { type Rabbitmq, startRabbitmq } from "./rabbitmq.ts";

let rabbitmq: Rabbitmq;
let admin: ChannelModel;
beforeAll(async () => {
  rabbitmq = await startRabbitmq();
  admin = await connect(rabbitmq.url);
  const channel = await admin.createChannel();
  await channel.assertExchange(EXCHANGE, "topic", { durable: true });
  await channel.close();
}, 120_000);
afterAll(async () => {
  await admin.close();
  await rabbitmq[Symbol.asyncDispose]();
});

const silent = createLogger({ name: "test", level: "silent" });

let stack: AsyncDisposableStack;
let store: TestStore;
let logs: LogLines;
let name: string;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  logs = new LogLines();
  name = `consumer-${randomUUID()}`;
  const { url } = stack.use(await testDatabase());
  store = await openTestStore(url, silent);
  stack.defer(store.close);
});
afterEach(() => stack.disposeAsync());

const logger = () => createLogger({ name: "test", level: "debug", destination: logs });
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);

/** Hands on what is in the log. */
function produce(options: Partial<EventLogOptions> = {}): ReturnType<typeof startEventLog> {
  const settings = { eventRetentionDays: 30, eventPollIntervalMs: 50, amqpUrl: rabbitmq.url };
  const events = startEventLog(store.log, { ...settings, logger: logger(), metrics: new Registry(), ...options });
  stack.defer(() => events.close());
  return events;
}

/** Hands on what is in the log, and waits for nothing. @returns how long it would have waited after its failures. */
function relayWithWaits(): readonly number[] {
  const waits: number[] = [];
  const wait = async (ms: number) => {
    waits.push(ms);
  };
  const time = { random: () => 1, wait };
  const stop = new AbortController();
  const relay = new Relay(store.log, { amqpUrl: rabbitmq.url, logger: logger(), metrics: new Registry(), time });
  const running = relay.run(stop.signal);
  stack.defer(() => {
    stop.abort();
    return running;
  });
  return waits;
}

/** Handles what the broker has. */
function consume(options: Partial<EventConsumerOptions<TestSchema>> = {}): EventConsumer<TestSchema> {
  const what = { name, db: store.db, sources: [store.log], subscriptions: [writeDown()] };
  const consumer = new EventConsumer({ ...what, amqpUrl: rabbitmq.url, logger: logger(), metrics: new Registry(), ...options });
  consumer.start();
  stack.defer(() => consumer.close());
  return consumer;
}

const relayed = async () => (await store.log.state()).relayedPosition;
const has = (expected: readonly string[]) => until(store.effects, expected);

const connected = (consumer: EventConsumer<TestSchema>) => until(async () => (await consumer.state())[0]?.connected, true);
const textOf = (message: GetMessage | false) => (message === false ? undefined : message.content.toString());

/** A log that nobody can read: whatever comes has come by the broker. */
const unreadable = {
  source: "tests",
  // biome-ignore lint/correctness/useYield: it fails before it could.
  async *follow(): AsyncGenerator<never> {
    throw new Error("the log is away");
  },
};

/** A way to the broker that can be cut. */
async function way(): Promise<{ url: string; cut(): void; close(): void; open(): void }> {
  const sockets = new Set<Socket>();
  let open = true;
  const server = createServer((inner) => {
    if (!open) {
      inner.destroy();
      return;
    }
    const outer = connectTcp(rabbitmq.port, "127.0.0.1");
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  stack.defer(() => {
    cut();
    server.close();
  });
  return {
    url: `amqp://guest:guest@127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    close() {
      open = false;
      cut();
    },
    open() {
      open = true;
    },
  };
}

test("hands events on by the broker, in their order", async () => {
  const consumer = consume({ sources: [unreadable] });
  await connected(consumer);
  produce();

  await store.note("a", ...numbers(1, 150));
  await store.note("b", "151");

  await has(numbers(1, 151));
  await until(relayed, 151);
});

test("publishes CloudEvents in the binary content mode, for everybody who asks for their type", async () => {
  const channel = await admin.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, EXCHANGE, "test.Noted");
  const received = Promise.withResolvers<unknown>();
  await channel.consume(queue, (message) => received.resolve(message), { noAck: true });
  produce();

  await store.note("notes/1", "hello");

  expect(await received.promise).toMatchObject({
    fields: { exchange: "bookmesh.events", routingKey: "test.Noted" },
    properties: {
      contentType: "application/protobuf",
      deliveryMode: 2,
      headers: {
        "cloudEvents:specversion": "1.0",
        "cloudEvents:id": expect.any(String),
        "cloudEvents:source": "tests",
        "cloudEvents:type": "test.Noted",
        "cloudEvents:subject": "notes/1",
        "cloudEvents:time": expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        "cloudEvents:position": "1",
      },
    },
    content: Buffer.from("hello"),
  });
  await channel.close();
});

test("publishes the id of an order to order_created too, as those ask who know nothing of events", async () => {
  produce({ alsoPublish: ({ data }) => ({ queue: "order_created", body: data.toString() }) });

  await store.note("orders/1", "1", "2");

  await until(relayed, 2);
  const channel = await admin.createChannel();
  // As a program declares it that knows of nothing else.
  await channel.assertQueue("order_created", { durable: true });
  const bodies = [await channel.get("order_created"), await channel.get("order_created"), await channel.get("order_created")];
  expect(bodies.map(textOf)).toEqual(["1", "2", undefined]);
  await channel.close();
});

test("sends to a queue that somebody else has declared otherwise, and keeps for a week what nobody reads", async () => {
  const channel = await admin.createChannel();
  await channel.assertQueue("other_orders", { durable: true, maxLength: 10 });

  produce({ alsoPublish: ({ data }) => ({ queue: "other_orders", body: data.toString() }) });
  await store.note("orders/1", "1");

  await until(relayed, 1);
  const message = await channel.get("other_orders");
  expect(textOf(message)).toBe("1");
  expect(message).toMatchObject({ properties: { expiration: "604800000" } });
  await channel.close();
});

test("hands events on also if a queue of other programs refuses what it is sent, and says so once", async () => {
  const channel = await admin.createChannel();
  await channel.assertQueue("full_orders", { durable: true, maxLength: 1, arguments: { "x-overflow": "reject-publish" } });
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, EXCHANGE, "test.Noted");
  const metrics = new Registry();

  produce({ metrics, alsoPublish: ({ data }) => ({ queue: "full_orders", body: data.toString() }) });
  await store.note("orders/1", ...numbers(1, 20));
  await until(relayed, 20);
  await store.note("orders/1", ...numbers(21, 30));
  await until(relayed, 30);

  expect(await channel.checkQueue(queue)).toMatchObject({ messageCount: 30 });
  expect(await metrics.metrics()).toContain("bookmesh_events_refused_total 29");
  expect(logs.with({ level: 40 }).filter(({ queue }) => queue !== undefined)).toMatchObject([
    { msg: "a queue of other programs does not take texts: they are lost to it", queue: "full_orders" },
  ]);
  await channel.close();
});

test("makes a queue of other programs anew that somebody has deleted", async () => {
  const channel = await admin.createChannel();
  const metrics = new Registry();
  produce({ metrics, alsoPublish: ({ data }) => ({ queue: "deleted_orders", body: data.toString() }) });
  await store.note("orders/1", "1");
  await until(relayed, 1);
  await channel.deleteQueue("deleted_orders");

  await store.note("orders/1", "2");
  await until(relayed, 2);
  await store.note("orders/1", "3");
  await until(relayed, 3);

  expect(textOf(await channel.get("deleted_orders"))).toBe("3");
  expect(await metrics.metrics()).toContain("bookmesh_events_refused_total 1");
  await channel.close();
});

test("takes no lost connection for a refusal: the texts are sent again", async () => {
  const road = await way();
  const metrics = new Registry();
  const sent: string[] = [];
  const alsoPublish = ({ data }: { data: Uint8Array }) => {
    const body = Buffer.from(data).toString();
    sent.push(body);
    if (body === "2" && sent.length === 2) road.cut();
    return { queue: "lost_orders", body };
  };

  produce({ amqpUrl: road.url, metrics, alsoPublish });
  await store.note("orders/1", "1");
  await until(relayed, 1);
  await store.note("orders/1", "2");
  await until(relayed, 2);

  expect(sent).toEqual(["1", "2", "2"]);
  expect(await metrics.metrics()).toContain("bookmesh_events_refused_total 0");
  const channel = await admin.createChannel();
  expect(await channel.deleteQueue("lost_orders")).toEqual({ messageCount: 2 });
  await channel.close();
});

test("hands events on also if a queue of other programs may not be used", async () => {
  const owner = await connect(rabbitmq.url);
  const channel = await owner.createChannel();
  // Nobody else may as much as ask for it.
  await channel.assertQueue("owned_orders", { exclusive: true });
  const metrics = new Registry();

  produce({ metrics, alsoPublish: ({ data }) => ({ queue: "owned_orders", body: data.toString() }) });
  await store.note("orders/1", "1");

  await until(relayed, 1);
  expect(await metrics.metrics()).toContain("bookmesh_events_refused_total 1");
  await owner.close();
});

test("sends events that a queue of the broker refuses again more and more seldom, and goes on when it takes them", async () => {
  const channel = await admin.createChannel();
  await channel.assertQueue("full", { maxLength: 1, arguments: { "x-overflow": "reject-publish" } });
  await channel.bindQueue("full", EXCHANGE, "test.Noted");
  await store.note("a", "1", "2");

  const waits = relayWithWaits();

  await until(() => waits.slice(0, 5), [200, 400, 800, 1_600, 3_200]);
  expect(logs.with({ level: 40 }).map(({ msg }) => msg)).toEqual(["a queue of the broker refuses events: they wait"]);
  await channel.deleteQueue("full");
  await channel.close();
  await until(relayed, 2);
  await logs.find({ msg: "the broker answers again" });
});

test("says that it is the store if that is away, and asks it more and more seldom", async () => {
  const rename = (from: string, to: string) => store.db.schema.alterTable(from).renameTo(to).execute();
  await rename("event_relay", "event_relay_away");

  const waits = relayWithWaits();

  await until(() => waits.slice(0, 5), [200, 400, 800, 1_600, 3_200]);
  expect(logs.with({ level: 40 }).map(({ msg }) => msg)).toEqual(["the store does not answer: events wait"]);
  await rename("event_relay_away", "event_relay");
  await logs.find({ msg: "the store answers again" });
});

test("has what happened before anybody followed by the broker", async () => {
  produce();
  await store.note("a", "1", "2");
  await until(relayed, 2);

  consume();

  await has(["1", "2"]);
  await store.note("a", "3");
  await has(["1", "2", "3"]);
});

test("notes what happens while the broker is away, and hands it on when it is back", async () => {
  const road = await way();
  road.close();
  produce({ amqpUrl: road.url });
  const consumer = consume({ sources: [unreadable] });
  await connected(consumer);
  await logs.find({ msg: "the broker does not answer: events wait" });

  await store.note("a", "1", "2");
  expect(await relayed()).toBe(0);
  road.open();

  await has(["1", "2"]);
  await logs.find({ msg: "the broker answers again" });
});

test("loses, doubles and reorders nothing while connections are cut again and again", async () => {
  const [out, back] = [await way(), await way()];
  produce({ amqpUrl: out.url });
  consume({ amqpUrl: back.url });

  for (let i = 1; i <= 200; i++) {
    await store.note(`${i % 3}`, `${i}`);
    if (i % 20 === 0) out.cut();
    if (i % 30 === 0) back.cut();
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  await has(numbers(1, 200));
}, 60_000);

test("loses, doubles and reorders nothing with two relays and two consumers", async () => {
  const first = produce();
  produce();
  const consumer = consume();
  consume();

  await store.note("a", ...numbers(1, 120));
  await has(numbers(1, 120));
  // The one that stops leaves the lease to the other one.
  await Promise.all([first.close(), consumer.close()]);
  await store.note("a", ...numbers(121, 140));

  await has(numbers(1, 140));
}, 60_000);

test("fills from the log what the broker has lost", async () => {
  const consumer = consume();
  produce();
  await store.note("a", "1");
  await has(["1"]);
  await consumer.close();
  await store.note("a", "2", "3");
  await until(relayed, 3);
  const channel = await admin.createChannel();
  await channel.purgeQueue(`${name}.events`);
  await channel.close();

  consume();

  await has(["1", "2", "3"]);
});

test("notices by a gap that the broker has lost something", async () => {
  const consumer = consume();
  await connected(consumer);
  const channel = await admin.createChannel();
  await channel.unbindQueue(`${name}.events`, EXCHANGE, "#");
  produce();
  await store.note("a", "1", "2");
  await until(relayed, 2);
  await channel.bindQueue(`${name}.events`, EXCHANGE, "#");
  await channel.close();

  await store.note("a", "3");

  await has(["1", "2", "3"]);
});

test("handles what happens after the log was restored, once it has grown past what was handled, too", async () => {
  const consumer = consume();
  await connected(consumer);
  produce({ alsoPublish: ({ data }) => ({ queue: name, body: data.toString() }) });
  await store.note("a", "1", "2");
  await until(relayed, 2);
  const restore = await store.backUpLog();
  await store.note("a", "3", "4", "5");
  await has(numbers(1, 5));
  await until(relayed, 5);

  await restore();
  await store.note("a", "6");
  await has(numbers(1, 6));
  await store.note("a", "7", "8", "9", "10");

  await has(numbers(1, 10));
  await until(relayed, 7);
  const channel = await admin.createChannel();
  expect(await channel.deleteQueue(name)).toEqual({ messageCount: 10 });
  await channel.close();
});

test("declares its queue anew when somebody has deleted it", async () => {
  const consumer = consume();
  produce();
  await connected(consumer);
  const channel = await admin.createChannel();
  await channel.deleteQueue(`${name}.events`);
  await channel.close();

  await store.note("a", "1", "2");

  await has(["1", "2"]);
});

test("puts a message that is no event to the dead letters, and goes on", async () => {
  const consumer = consume();
  await connected(consumer);
  const channel = await admin.createConfirmChannel();
  channel.publish(EXCHANGE, "test.Noted", Buffer.from("what is this?"), { headers: { "cloudEvents:id": "1" } });
  await channel.waitForConfirms();
  produce();
  await store.note("a", "1");

  await has(["1"]);
  await until(async () => textOf(await channel.get(`${name}.events.dead`, { noAck: true })), "what is this?");
  await channel.close();
});

test("loses, doubles and reorders nothing when the relay is killed before and after the broker has confirmed", async () => {
  const { url } = stack.use(await testDatabase());
  const other = await openTestStore(url, silent);
  stack.defer(other.close);
  const consumer = consume({ db: other.db, sources: [unreadable] });
  await connected(consumer);
  await other.note("a", ...numbers(1, 250));
  const relay = async (step: string) => {
    const child = fork(
      fileURLToPath(new URL("../../runtime/events/testing-process.ts", import.meta.url)),
      [url, "relay", rabbitmq.url],
      {
        execArgv: ["--import", fileURLToPath(new URL("../support/end-at-step.ts", import.meta.url))],
        env: { ...process.env, END_AT_STEP: step },
      },
    );
    const [status, signal] = await once(child, "exit");
    // The next one need not wait until the lease of the dead one runs out.
    await other.db.updateTable("event_relay").set({ lease_until_ms: 0 }).execute();
    return signal ?? status;
  };

  expect(await relay("events.relay.published#2")).toBe("SIGKILL");
  expect(await relay("events.relay.confirmed#1")).toBe("SIGKILL");
  expect(await relay("")).toBe(0);

  await until(other.effects, numbers(1, 250));
}, 60_000);

test("has after a restart of the broker what it had confirmed, and goes on", async () => {
  const consumer = consume();
  await connected(consumer);
  await consumer.close();
  produce();
  await store.note("a", ...numbers(1, 10));
  await until(relayed, 10);
  admin.on("error", () => {});
  // It takes RabbitMQ up to a second to write down that there is a quorum queue.
  await new Promise((resolve) => setTimeout(resolve, 2_000));

  await rabbitmq.restart();
  admin = await connect(rabbitmq.url);
  consume({ sources: [unreadable] });
  await store.note("a", ...numbers(11, 20));

  await has(numbers(1, 20));
}, 120_000);
