import { join } from "node:path";
import pino from "pino";
import { Registry } from "prom-client";
import { EventConsumerServiceDefinition } from "../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventLogServiceDefinition } from "../gen/bookstore/events/v1/event_log_service.ts";
import { ServiceState } from "../gen/mesh/registry/v1/registry_service.ts";
import { meshServer } from "../interceptors/server/chain.ts";
import { Credentials } from "../runtime/credentials.ts";
import { Failure } from "../runtime/errors.ts";
import { EventConsumer } from "../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../runtime/events/event-consumer-handler.ts";
import { eventLogHandler } from "../runtime/events/event-log-handler.ts";
import { openTestStore, type TestSchema, type TestStore, writeDown } from "../runtime/events/testing.ts";
import { Health } from "../runtime/health.ts";
import { testDatabase } from "../test/support/database.ts";
import { until } from "../test/support/until.ts";
import { MeshAuthority } from "./certs/mesh-authority.ts";
import { dropEvent, eventsCommand, replayEvents, retryEvents, showEvents } from "./events-command.ts";
import { run as runProgram, temporaryFolder } from "./fixtures/processes.ts";
import { meshData, startRegistry } from "./fixtures/start-registry.ts";
import { testSurroundings } from "./fixtures/surroundings.ts";

const logger = pino({ level: "silent" });

let stack: AsyncDisposableStack;
let data: string;
let registry: Awaited<ReturnType<typeof startRegistry>>;
let store: TestStore;
let consumer: EventConsumer<TestSchema>;
/** Handles the same log into a store of its own, once a test has it served. */
let another: EventConsumer<TestSchema>;
let broken: Set<string>;

beforeAll(async () => {
  data = await meshData();
  const folders = ["tests", "tester", "another"].map((name) => ({ name, folder: join(temporaryFolder(), name) }));
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
  store = await testStore();
  broken = new Set(["bad"]);
  consumer = consumerOf("tester", store);
  another = consumerOf("another", await testStore());
});
afterEach(() => stack.disposeAsync());

async function testStore(): Promise<TestStore> {
  const opened = await openTestStore(stack.use(await testDatabase()).url, logger);
  stack.defer(opened.close);
  return opened;
}

function consumerOf(name: string, { db }: TestStore): EventConsumer<TestSchema> {
  const subscriptions = [
    writeDown((text) => {
      if (broken.has(text)) throw new TypeError(text);
    }),
  ];
  const time = { wait: async (_ms: number, signal: AbortSignal) => signal.throwIfAborted() };
  const made = new EventConsumer({ name, db, sources: [store.log], subscriptions, logger, metrics: new Registry(), time });
  stack.defer(() => made.close());
  return made;
}

const LOG = EventLogServiceDefinition.fullName;
const CONSUMER = EventConsumerServiceDefinition.fullName;
/** A port at which nothing listens. */
const NOBODY = 1;
/** gRPC tells the reason to one call only of those that wait for the connection. */
const NO_CONNECTION = "(connect ECONNREFUSED 127\\.0\\.0\\.1:1|no connection)";

const away = () => {
  throw new Failure("unavailable", "the store cannot be reached");
};
const storeAway = {
  ...{ getEventConsumer: away, listSetAsideEvents: away, retrySetAsideEvents: away, dropSetAsideEvent: away },
  replayEvents: away,
};

/** Serves the log as the service "tests" and the consumer as the service "tester", and has the registry know of both. */
async function serve(...others: ServiceState[]): Promise<void> {
  const log = await listen("tests", (server) => server.add(EventLogServiceDefinition, eventLogHandler(store.log, {})));
  const services = [stateOf("tests", { port: log, serves: [LOG] }), await serveConsumer(consumer), ...others];
  registry.registry.show([ServiceState.fromPartial({ name: "push" }), ...services]);
}

async function serveConsumer(served: EventConsumer<TestSchema>): Promise<ServiceState> {
  const { name } = served;
  const port = await listen(name, (server) => server.add(EventConsumerServiceDefinition, eventConsumerHandler(served)));
  served.start();
  return stateOf(name, { port, serves: [CONSUMER] });
}

function stateOf(service: string, ...instances: { port: number; serves: string[]; inEndpoints?: boolean }[]): ServiceState {
  return ServiceState.fromPartial({
    name: service,
    instances: instances.map(({ port, serves, inEndpoints = true }) => {
      return { instance: { id: `${service}-${port}`, service, address: "127.0.0.1", port, grpcServices: serves }, inEndpoints };
    }),
  });
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
    unanswered: [],
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
  const event = { consumer: "tester", source: "tests", id: row?.id ?? "" };

  const { status, stdout } = await run((options, surroundings) => dropEvent(event, options, surroundings));

  expect([status, stdout]).toEqual([0, `tester does not handle ${event.id} of tests any more.\n`]);
  await until(store.effects, ["after"]);
});

test("gives an event up, and handles it again, in the consumer that is named and in no other", async () => {
  await serve(await serveConsumer(another));
  await store.note("a", "bad");
  await store.note("b", "bad");
  const setAside = () => Promise.all([consumer, another].map((one) => one.setAside.count()));
  await until(setAside, [2, 2]);
  const [row] = await consumer.setAside.list(undefined, 1);
  const event = { consumer: "tester", source: "tests", id: row?.id ?? "" };

  expect(await run((options, surroundings) => dropEvent(event, options, surroundings))).toMatchObject({ status: 0, stderr: "" });
  expect(await setAside()).toEqual([1, 2]);

  broken.clear();
  const retry = (which: { consumer?: string; source?: string; id?: string }) =>
    run((options, surroundings) => retryEvents(which, options, surroundings));
  expect((await retry({ ...event, consumer: "another" })).stdout).toBe("another: 1 handled, 1 set aside still\n");
  expect(await setAside()).toEqual([1, 1]);
  expect((await retry({ consumer: "another" })).stdout).toBe("another: 1 handled, 0 set aside still\n");
  expect(await setAside()).toEqual([1, 0]);
});

test("is told on the command line who has set an event aside", async () => {
  await serve();
  const usage = eventsCommand().commands.map((command) => `${command.name()} ${command.usage()}`);
  const bookmesh = join(import.meta.dirname, "bookmesh.js");
  const access = ["--registry", registry.address, "--data", data];
  const programs = ["drop", "retry"].map((name) => runProgram([bookmesh, "events", name, "tester", "tests", "x", ...access]));

  expect(usage).toEqual(
    expect.arrayContaining(["drop [options] <consumer> <source> <id>", "retry [options] [consumer] [source] [id]"]),
  );
  expect(await Promise.all(programs.map(({ status }) => status))).toEqual([65, 65]);
  const sentence = 'tester has not set aside an event x of tests; "bookmesh events" shows those that are\n';
  expect(programs.map(({ stderr }) => stderr())).toEqual([sentence, sentence]);
});

test("says so when an event is not set aside", async () => {
  await serve();
  const event = { source: "tests", id: "x" };

  expect(await run((options, surroundings) => retryEvents(event, options, surroundings))).toMatchObject({
    status: 65,
    stderr: 'no service has set aside an event x of tests; "bookmesh events" shows those that are\n',
  });
  for (const command of [retryEvents, dropEvent]) {
    expect(await run((options, surroundings) => command({ ...event, consumer: "tester" }, options, surroundings))).toMatchObject({
      status: 65,
      stderr: 'tester has not set aside an event x of tests; "bookmesh events" shows those that are\n',
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
    stderr: "tester: no events of such a source are handled here\n",
  });
});

describe("when a service does not answer", () => {
  beforeEach(async () => {
    await serve();
    const port = await listen("another", (server) => server.add(EventConsumerServiceDefinition, storeAway));
    const another = stateOf("another", { port, serves: [CONSUMER] });
    // Its one instance has ended without a word, and callers are not sent to it any more.
    const gone = stateOf("gone", { port: NOBODY, serves: [LOG, CONSUMER], inEndpoints: false });
    registry.registry.show([another, gone, ...registry.registry.services]);
  });

  test("shows what the others say, and says who is missing, and why", async () => {
    await store.note("a", "one");
    await until(handled, 1);

    const { status, stdout, stderr } = await show();

    expect(stdout).toMatch(
      new RegExp(
        [
          "LOG    KEPT  LAST  TRANSPORT",
          "tests     1     1  stream",
          `gone +does not answer: ${NO_CONNECTION}`,
          "",
          "CONSUMER  LOG    HANDLED  BEHIND  LAST ONE +SET ASIDE",
          "tester    tests        1       0  \\d+ s ago +0",
          "another +does not answer: the store cannot be reached",
          `gone +does not answer: ${NO_CONNECTION}\n$`,
        ].join("\n"),
      ),
    );
    expect([status, stderr]).toEqual([65, "no answer from gone, another\n"]);
  });

  test("has it in the JSON document", async () => {
    const { status, stdout } = await show(true);

    const problem = expect.stringMatching(NO_CONNECTION);
    expect(JSON.parse(stdout)).toMatchObject({
      logs: [{ source: "tests" }],
      consumers: [{ consumer: "tester" }],
      unanswered: [
        { service: "gone", about: "log", problem },
        { service: "another", about: "consumer", problem: "the store cannot be reached" },
        { service: "gone", about: "consumer", problem },
      ],
    });
    expect(status).toBe(65);
  });

  test("lets the others handle again what was set aside", async () => {
    await store.note("a", "bad");
    await until(handled, 1);
    broken.clear();

    const { status, stdout, stderr } = await run((options, surroundings) => retryEvents({}, options, surroundings));

    expect(stdout).toBe("tester: 1 handled, 0 set aside still\n");
    expect(stderr).toMatch(new RegExp(`^another: the store cannot be reached\\ngone: ${NO_CONNECTION}\\n$`));
    expect(status).toBe(65);
  });

  test("says that an event may be set aside there", async () => {
    const event = { source: "tests", id: "x" };
    const { stderr } = await run((options, surroundings) => retryEvents(event, options, surroundings));

    expect(stderr).toMatch(/^another: .*\ngone: .*\n$/);
  });

  test("names it when an event is to be given up or a log to be replayed", async () => {
    const [to, since] = [{ consumer: "another", source: "tests" }, new Date()];
    const outcomes = [
      await run((options, surroundings) => dropEvent({ ...to, id: "x" }, options, surroundings)),
      await run((options, surroundings) => replayEvents({ ...to, since }, options, surroundings)),
    ];

    const refused = { status: 65, stdout: "", stderr: "another: the store cannot be reached\n" };
    expect(outcomes).toEqual([refused, refused]);
  });
});

test("asks an instance that callers are sent to, if there is one", async () => {
  await serve();
  const services = registry.registry.services.map((state) => {
    const [dead] = stateOf(state.name, { port: NOBODY, serves: [LOG, CONSUMER], inEndpoints: false }).instances;
    return dead === undefined || state.instances.length === 0 ? state : { ...state, instances: [dead, ...state.instances] };
  });
  registry.registry.show(services);
  await store.note("a", "one");
  await until(handled, 1);

  const { stdout } = await show(true);

  expect(JSON.parse(stdout)).toMatchObject({ logs: [{ lastPosition: 1 }], consumers: [{ sources: [{ position: 1 }] }] });
});
