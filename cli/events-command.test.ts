import { join } from "node:path";
import pino from "pino";
import { Registry } from "prom-client";
import { EventConsumerServiceDefinition } from "../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventLogServiceDefinition } from "../gen/bookstore/events/v1/event_log_service.ts";
import { ListServicesResponse } from "../gen/mesh/registry/v1/registry_service.ts";
import { meshServer } from "../interceptors/server/chain.ts";
import { Credentials } from "../runtime/credentials.ts";
import { EventConsumer } from "../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../runtime/events/event-consumer-handler.ts";
import { eventLogHandler } from "../runtime/events/event-log-handler.ts";
import { openTestStore, type TestSchema, type TestStore, writeDown } from "../runtime/events/testing.ts";
import { Health } from "../runtime/health.ts";
import { testDatabase } from "../test/support/database.ts";
import { until } from "../test/support/until.ts";
import { MeshAuthority } from "./certs/mesh-authority.ts";
import { dropEvent, replayEvents, retryEvents, showEvents } from "./events-command.ts";
import { temporaryFolder } from "./fixtures/processes.ts";
import { meshData, startRegistry } from "./fixtures/start-registry.ts";
import { testSurroundings } from "./fixtures/surroundings.ts";

const logger = pino({ level: "silent" });

let stack: AsyncDisposableStack;
let data: string;
let registry: Awaited<ReturnType<typeof startRegistry>>;
let store: TestStore;
let consumer: EventConsumer<TestSchema>;
let broken: Set<string>;

beforeAll(async () => {
  data = await meshData();
  const folders = ["tests", "tester"].map((name) => ({ name, folder: join(temporaryFolder(), name) }));
  await new MeshAuthority(data).tend({ issue: folders });
  credentials = new Map(
    await Promise.all(folders.map(async ({ name, folder }) => [name, await Credentials.open({ folder, logger })] as const)),
  );
});
let credentials: Map<string, Credentials>;
afterAll(() => {
  for (const held of credentials.values()) held.close();
});

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  registry = stack.use(await startRegistry(data));
  store = await openTestStore(stack.use(await testDatabase()).url, logger);
  stack.defer(store.close);
  broken = new Set(["bad"]);
  const subscriptions = [
    writeDown((text) => {
      if (broken.has(text)) throw new TypeError(text);
    }),
  ];
  const time = { wait: async (_ms: number, signal: AbortSignal) => signal.throwIfAborted() };
  const options = { name: "tester", db: store.db, sources: [store.log], subscriptions, logger, metrics: new Registry() };
  consumer = new EventConsumer({ ...options, time });
  stack.defer(() => consumer.close());
});
afterEach(() => stack.disposeAsync());

/** Serves the log as the service "tests" and the consumer as the service "tester", and has the registry know of both. */
async function serve(): Promise<void> {
  const ports = [
    await listen("tests", (server) => server.add(EventLogServiceDefinition, eventLogHandler(store.log, {}))),
    await listen("tester", (server) => server.add(EventConsumerServiceDefinition, eventConsumerHandler(consumer))),
  ];
  const served = [EventLogServiceDefinition, EventConsumerServiceDefinition].map(({ fullName }) => fullName);
  const { services } = ListServicesResponse.fromPartial({
    services: [
      { name: "push" },
      ...["tests", "tester"].map((name, index) => ({
        name,
        instances: [
          {
            instance: {
              id: name,
              service: name,
              address: "127.0.0.1",
              port: ports[index] ?? 0,
              grpcServices: [served[index] ?? ""],
            },
            inEndpoints: true,
          },
        ],
      })),
    ],
  });
  registry.registry.show(services);
  consumer.start();
}

async function listen(name: string, add: (server: ReturnType<typeof meshServer>) => void): Promise<number> {
  const health = new Health({}, { logger });
  const held = credentials.get(name) as Credentials;
  const limits = { maxCallsInFlight: 10, maxOpenStreams: 10 };
  const server = meshServer({ logger, metrics: new Registry(), health, credentials: held, ...limits });
  add(server);
  const port = await server.listen("127.0.0.1:0");
  stack.defer(() => void server.forceShutdown());
  return port;
}

type Command = (
  options: { registry: string[]; data: string },
  surroundings: ReturnType<typeof testSurroundings>["surroundings"],
) => Promise<number>;

async function run(command: Command) {
  const { surroundings, stdout, stderr } = testSurroundings();
  const status = await command({ registry: [registry.address], data }, surroundings);
  return { status, stdout: stdout(), stderr: stderr() };
}

const show = (json = false) => run((options, surroundings) => showEvents({ ...options, json }, surroundings));
const handled = async () => (await consumer.state())[0]?.position;

test("shows logs, who handles them how far, and what is set aside", async () => {
  await serve();
  await store.note("a", "one", "bad", "after");
  await until(handled, 3);

  const { status, stdout } = await show();

  expect(status).toBe(0);
  const id = "[0-9a-f-]{36}";
  expect(stdout).toMatch(
    new RegExp(
      [
        "LOG    KEPT  LAST  TRANSPORT",
        "tests     3     3  stream",
        "",
        "CONSUMER  LOG    HANDLED  BEHIND  LAST ONE  SET ASIDE",
        "tester    tests        3       0  \\d+ s ago           2",
        "",
        "SET ASIDE BY  LOG    ID {36}EVENT  SUBJECT  AGE  TRIES  WHY",
        `tester        tests  ${id}  Noted  a        \\d+ s      5  TypeError`,
        `tester        tests  ${id}  Noted  a        \\d+ s      0  waits behind another one\n$`,
      ].join("\n"),
    ),
  );
});

test("prints one JSON document", async () => {
  await serve();
  await store.note("a", "bad");
  await until(handled, 1);

  const { stdout } = await show(true);

  const time = expect.stringMatching(/^\d{4}-/);
  const source = { source: "tests", position: 1, behind: 0, handleTime: time, connected: true, replay: null };
  const aside = { source: "tests", id: expect.any(String), type: "test.Noted", subject: "a", position: 1, error: "TypeError" };
  expect(JSON.parse(stdout)).toEqual({
    logs: [{ source: "tests", firstPosition: 1, lastPosition: 1, transport: "stream", relayedPosition: null }],
    consumers: [{ consumer: "tester", sources: [source], setAside: [{ ...aside, attempts: 5, time, setAsideTime: time }] }],
  });
});

test("shows all that is set aside, however many pages", async () => {
  await serve();
  await store.note("a", "bad", ...Array.from({ length: 104 }, (_, i) => `${i}`));
  await until(handled, 105);

  const { consumers } = JSON.parse((await show(true)).stdout);

  expect(
    consumers[0].setAside.map(({ position }: { position: number }) => position).sort((a: number, b: number) => a - b),
  ).toEqual(Array.from({ length: 105 }, (_, i) => i + 1));
});

test("says that there are none where no service has to do with events", async () => {
  const { status, stdout } = await show();

  expect([status, stdout]).toEqual([0, "No service that runs now tells of events or handles them.\n"]);
});

test("handles again what was set aside", async () => {
  await serve();
  await store.note("a", "bad", "after");
  await until(handled, 2);
  broken.clear();

  expect(await run((options, surroundings) => retryEvents({}, options, surroundings))).toEqual({
    status: 0,
    stdout: "tester: 2 handled, 0 set aside still\n",
    stderr: "",
  });
  expect(await store.effects()).toEqual(["bad", "after"]);
});

test("gives an event up, and handles those that wait behind it", async () => {
  await serve();
  await store.note("a", "bad", "after");
  await until(handled, 2);
  const [row] = await consumer.setAside.list(undefined, 1);
  const event = { source: "tests", id: row?.id ?? "" };

  const { status, stdout } = await run((options, surroundings) => dropEvent(event, options, surroundings));

  expect([status, stdout]).toEqual([0, `tester does not handle ${event.id} of tests any more.\n`]);
  await until(store.effects, ["after"]);
});

test("says so when an event is not set aside", async () => {
  await serve();
  const sentence = 'no service has set aside an event x of tests; "bookmesh events" shows those that are\n';

  for (const command of [retryEvents, dropEvent]) {
    const event = { source: "tests", id: "x" };
    expect(await run((options, surroundings) => command(event, options, surroundings))).toMatchObject({
      status: 65,
      stderr: sentence,
    });
  }
});

test("has events handled again, by the one who is asked for", async () => {
  await serve();
  await store.note("a", "one");
  await until(handled, 1);
  const since = new Date(Date.now() - 60_000);
  const replay = (to: { consumer: string; source: string }) =>
    run((options, surroundings) => replayEvents({ ...to, since }, options, surroundings));

  expect(await replay({ consumer: "tester", source: "tests" })).toMatchObject({ status: 0, stderr: "" });

  await until(store.effects, ["one", "one"]);
  expect(await replay({ consumer: "push", source: "tests" })).toMatchObject({
    status: 65,
    stderr: "no service push runs now that handles events\n",
  });
  expect(await replay({ consumer: "tester", source: "others" })).toMatchObject({
    status: 65,
    stderr: "no events of such a source are handled here\n",
  });
});
