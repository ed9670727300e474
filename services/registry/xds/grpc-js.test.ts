// What the registry says is obeyed by clients: those of grpc-js, with its own xDS.
import "../../../test/support/unref-xds-timers.ts";
import { createRequire } from "node:module";
import { forever } from "abort-controller-x";
import {
  type CallOptions,
  ChannelCredentials,
  type Client,
  ClientError,
  createChannel,
  createClient,
  Metadata,
  Status,
} from "nice-grpc";
import { registerLeastRequest } from "../../../clients/least-request.ts";
import {
  type EchoServiceClient,
  EchoServiceDefinition,
  HurriedEchoServiceDefinition,
} from "../../../gen/bookmesh/testing/v1/echo_service.ts";
import { currentCall } from "../../../runtime/call-context.ts";
import { Failure } from "../../../runtime/errors.ts";
import { type Dummy, dummyClient } from "../../../test/support/dummy-client.ts";
import { LogLines } from "../../../test/support/log-lines.ts";
import type { Endpoint, RoutedService } from "../routing.ts";
import { startRegistry, type TestRegistry } from "./testing/registry.ts";
import { endpoint, routed } from "./testing/routed.ts";

const { register } = createRequire(import.meta.url)("@grpc/grpc-js-xds") as typeof import("@grpc/grpc-js-xds");
register();
registerLeastRequest();

type Instance = "a" | "b" | "c" | "d";
const NAMES: readonly Instance[] = ["a", "b", "c", "d"];
/** a and b are version v1, c and d are v2. */
const VERSIONS = { a: "v1", b: "v1", c: "v2", d: "v2" };

const instances = new Map<Instance, Dummy>();
/** Instances that answer every call with NOT_FOUND. */
const broken = new Set<Instance>();
let attempts = 0;
/** Calls that wait for ever. */
let hanging = 0;

beforeAll(async () => {
  for (const name of NAMES) {
    const cases = {
      who: () => {
        if (broken.has(name)) throw new Failure("not-found", "broken");
        return name;
      },
      "third time lucky": (text: string) => {
        if (++attempts < 3) throw new Failure("unavailable", "not yet");
        return text;
      },
      "time left": () => String((currentCall()?.deadline ?? 0) - Date.now()),
      hang: (_text: string, { signal }: { signal: AbortSignal }) => {
        hanging++;
        return forever(signal).finally(() => hanging--);
      },
      "hang at a": (_text: string, { signal }: { signal: AbortSignal }) => {
        if (name !== "a") return name;
        hanging++;
        return forever(signal).finally(() => hanging--);
      },
    };
    instances.set(name, await dummyClient(cases, { maxCallsInFlight: 5_000 }));
  }
});
afterAll(async () => {
  for (const dummy of instances.values()) await dummy[Symbol.asyncDispose]();
});

test("calls go to every instance, and to no other after a change", async () => {
  await using mesh = await startMesh();
  await mesh.connected(NAMES);
  expect(await mesh.calls(40)).toEqual({ a: 10, b: 10, c: 10, d: 10 });

  await mesh.tell({ endpoints: [at("a"), at("c")] });
  expect(await mesh.calls(40)).toEqual({ a: 20, c: 20 });

  await mesh.tell({});
  await mesh.connected(NAMES);
  expect(await mesh.calls(40)).toEqual({ a: 10, b: 10, c: 10, d: 10 });
});

test("a client may ask for a service before there is one", async () => {
  await using mesh = await startMesh("no service yet");
  const answer = mesh.client.unary({ text: "who" });
  await mesh.subscribed("Listener");

  mesh.registry.xds.update(service({}));

  expect(NAMES).toContain((await answer).text);
});

test("calls are divided as the split says, and as it says next, without a restart", async () => {
  await using mesh = await startMesh({ split: split(90, 10) });
  await mesh.connected(NAMES);
  expect(outliers(await mesh.calls(1_000), { a: 450, b: 450, c: 50, d: 50 }, 40)).toEqual([]);

  await mesh.tell({ split: split(10, 90) });
  expect(outliers(await mesh.calls(1_000), { a: 50, b: 50, c: 450, d: 450 }, 40)).toEqual([]);

  await mesh.tell({ split: split(0, 100) });
  expect(await mesh.calls(100)).toEqual({ c: 50, d: 50 });

  await mesh.tell({});
  await mesh.connected(NAMES);
  expect(await mesh.calls(40)).toEqual({ a: 10, b: 10, c: 10, d: 10 });
});

test("a fault hits its share of the calls, until it is taken back", async () => {
  await using mesh = await startMesh();
  await mesh.connected(NAMES);

  await mesh.tell({ fault: { percent: 30, delayMs: 0, abortCode: Status.RESOURCE_EXHAUSTED } });
  const { RESOURCE_EXHAUSTED: aborted = 0 } = await mesh.calls(1_000);
  expect(aborted).toBeGreaterThan(230);
  expect(aborted).toBeLessThan(370);

  await mesh.tell({ fault: { percent: 100, delayMs: 0, abortCode: Status.PERMISSION_DENIED } });
  expect(await mesh.calls(20)).toEqual({ PERMISSION_DENIED: 20 });

  await mesh.tell({});
  expect(await mesh.calls(40)).toEqual({ a: 10, b: 10, c: 10, d: 10 });
});

test("a fault delays calls", async () => {
  await using mesh = await startMesh();
  await mesh.connected(NAMES);

  await mesh.tell({ fault: { percent: 100, delayMs: 150, abortCode: 0 } });
  const start = performance.now();
  await mesh.calls(2);

  expect(performance.now() - start).toBeGreaterThan(295);
});

test("a call is tried again as often as its contract says, and only if it says so", async () => {
  await using mesh = await startMesh();

  attempts = 0;
  expect(await mesh.client.idempotentUnary({ text: "third time lucky" })).toEqual({ text: "third time lucky" });
  expect(attempts).toBe(3);

  attempts = 0;
  await expect(mesh.client.unary({ text: "third time lucky" })).rejects.toMatchObject({ code: Status.UNAVAILABLE });
  expect(attempts).toBe(1);
});

test("a call without deadline gets the longest that its contract allows", async () => {
  await using mesh = await startMesh();

  const { text: left } = await mesh.hurried.unary({ text: "time left" });
  expect(Number(left)).toBeGreaterThan(50);
  expect(Number(left)).toBeLessThanOrEqual(101);

  await expect(mesh.hurried.unary({ text: "hang" })).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
});

test("a method that no contract knows is called all the same", async () => {
  await using mesh = await startMesh({ grpcServices: [] });
  await mesh.connected(NAMES);

  expect(await mesh.calls(40)).toEqual({ a: 10, b: 10, c: 10, d: 10 });
});

test("ring hash sends the same value of the header to the same instance, most of the time also after a change", async () => {
  const balancing = { policy: "ring-hash", hashHeader: "user-id" } as const;
  await using mesh = await startMesh({ balancing });
  const users = Array.from({ length: 50 }, (_, i) => `user-${i}`);
  const instancesOfUsers = async () => {
    const found: string[] = [];
    for (const user of users) {
      const names = Object.keys(await mesh.calls(5, { metadata: Metadata({ "user-id": user }) }));
      expect(names).toHaveLength(1);
      found.push(...names);
    }
    return found;
  };
  const before = await instancesOfUsers();
  expect(new Set(before)).toEqual(new Set(NAMES));

  await mesh.tell({ balancing, endpoints: [at("a"), at("b"), at("c")] });

  const after = await instancesOfUsers();
  expect(new Set(after)).toEqual(new Set(["a", "b", "c"]));
  expect(after.filter((name, i) => name === before[i]).length).toBeGreaterThan(15);
});

test("weighted round robin goes by the weights", async () => {
  const weights = { a: 7, b: 1, c: 1, d: 1 };
  const endpoints = NAMES.map((name) => at(name, { weight: weights[name] }));
  await using mesh = await startMesh({ balancing: { policy: "weighted-round-robin" }, endpoints });
  await mesh.connected(NAMES);

  expect(outliers(await mesh.calls(1_000), { a: 700, b: 100, c: 100, d: 100 }, 60)).toEqual([]);
});

test("random takes no turns", async () => {
  await using mesh = await startMesh({ balancing: { policy: "random" } });
  await mesh.connected(NAMES);

  const answers = await mesh.answers(400);

  expect(outliers(tally(answers), { a: 100, b: 100, c: 100, d: 100 }, 45)).toEqual([]);
  const twiceInARow = answers.filter((name, i) => name === answers[i - 1]).length;
  expect(twiceInARow).toBeGreaterThan(50);
});

test("pick first stays with one instance, and takes another when that is gone", async () => {
  await using mesh = await startMesh({ balancing: { policy: "pick-first" } });
  const [[first]] = Object.entries(await mesh.calls(40)) as [[Instance, number]];
  expect(await mesh.calls(40)).toEqual({ [first]: 40 });

  await mesh.tell({
    balancing: { policy: "pick-first" },
    endpoints: NAMES.filter((name) => name !== first).map((name) => at(name)),
  });

  const second = await mesh.calls(40);
  expect(Object.values(second)).toEqual([40]);
  expect(second).not.toHaveProperty(first);
});

test("least request spares an instance that has calls in flight", async () => {
  await using mesh = await startMesh({ balancing: { policy: "least-request" } });
  await mesh.connected(NAMES);
  const leaving = new AbortController();

  for (let i = 0; i < 200; i++) {
    const before = hanging;
    let answered = false;
    const done = () => {
      answered = true;
    };
    mesh.client.unary({ text: "hang at a" }, { signal: leaving.signal }).then(done, done);
    while (!answered && hanging === before) await nextTurn();
  }

  // It is drawn twice for one call in sixteen. Taking turns would have sent it fifty.
  expect(hanging).toBeLessThan(35);
  leaving.abort();
  while (hanging > 0) await nextTurn();
});

test("the policy changes without a failed call", async () => {
  await using mesh = await startMesh();
  await mesh.connected(NAMES);
  const policies = ["random", "pick-first", "least-request", "weighted-round-robin", "round-robin"] as const;

  for (const policy of policies) {
    await mesh.tell({ balancing: { policy } });
    expect(Object.keys(await mesh.calls(100)).filter((answer) => !NAMES.includes(answer as Instance))).toEqual([]);
  }
});

test("every zone gets calls for as many instances as it has", async () => {
  const endpoints = [at("a", { zone: "east" }), at("b", { zone: "east" }), at("c", { zone: "east" }), at("d", { zone: "west" })];
  await using mesh = await startMesh({ endpoints });
  await mesh.connected(NAMES);

  expect(outliers(await mesh.calls(1_000), { a: 250, b: 250, c: 250, d: 250 }, 60)).toEqual([]);
});

test("calls fail at once when there is no instance, and succeed when there is one again", async () => {
  await using mesh = await startMesh();
  await mesh.connected(NAMES);

  await mesh.tell({ endpoints: [] });
  expect(await mesh.calls(4)).toEqual({ UNAVAILABLE: 4 });

  await mesh.tell({ endpoints: [at("d")] });
  expect(await mesh.calls(4)).toEqual({ d: 4 });
});

test("no more than 1,024 calls of a process are in flight to a service", async () => {
  await using mesh = await startMesh();
  await mesh.connected(NAMES);
  const leaving = new AbortController();
  const calls = Array.from({ length: 1_024 }, () => mesh.client.unary({ text: "hang" }, { signal: leaving.signal }));
  while (hanging < 1_024) await nextTurn();

  await expect(mesh.client.unary({ text: "who" })).rejects.toMatchObject({
    code: Status.UNAVAILABLE,
    details: "Call dropped by load balancing policy.",
  });

  leaving.abort();
  await Promise.allSettled(calls);
  expect(await mesh.calls(4)).toEqual({ a: 1, b: 1, c: 1, d: 1 });
});

test("an instance that fails its calls is avoided", async () => {
  await using mesh = await startMesh();
  await mesh.connected(NAMES);
  broken.add("b");
  expect(await mesh.calls(80)).toEqual({ a: 20, NOT_FOUND: 20, c: 20, d: 20 });

  // It is judged every five seconds, by what it has answered since.
  let answers = await mesh.calls(120);
  while ("NOT_FOUND" in answers) answers = await mesh.calls(120);

  expect(answers).toEqual({ a: 40, c: 40, d: 40 });
  broken.delete("b");
});

test("calls go on while the registry is gone, and when one without memory has come back", async () => {
  await using mesh = await startMesh();
  await mesh.connected(NAMES);
  await mesh.registry[Symbol.asyncDispose]();
  expect(await mesh.calls(40)).toEqual({ a: 10, b: 10, c: 10, d: 10 });

  let endWarmUp = () => {};
  const startTimer = (action: () => void) => {
    endWarmUp = action;
    return () => {};
  };
  await using registry = await startRegistry(new LogLines(), [], { startTimer, port: mesh.registry.port });
  registry.xds.update(service({ endpoints: [at("a")] }));
  while (registry.xds.clients().length === 0) await mesh.calls(1);
  expect(await mesh.calls(40)).toEqual({ a: 10, b: 10, c: 10, d: 10 });

  registry.xds.update(service({ endpoints: [at("a"), at("b")] }));
  endWarmUp();
  await registry.xds.settled("echo");

  expect(await mesh.calls(40)).toEqual({ a: 20, b: 20 });
});

/** A registry, a service "echo" with the four instances, and a client of it. */
interface Mesh extends AsyncDisposable {
  readonly registry: TestRegistry;
  readonly client: EchoServiceClient;
  readonly hurried: Client<typeof HurriedEchoServiceDefinition>;
  /** Changes the service, and waits until the client has taken it in. */
  tell(change: Partial<RoutedService>): Promise<void>;
  /** Who answers, one call after the other; the name of the status for a call that fails. */
  answers(calls: number, options?: CallOptions): Promise<string[]>;
  /** The same, counted. */
  calls(calls: number, options?: CallOptions): Promise<Record<string, number>>;
  /** Waits until the client is connected to these instances. */
  connected(names: readonly Instance[]): Promise<void>;
  /** Waits until the client has asked for something of this type. */
  subscribed(shortName: string): Promise<void>;
}

async function startMesh(change: Partial<RoutedService> | "no service yet" = {}): Promise<Mesh> {
  const registry = await startRegistry(new LogLines(), []);
  if (change !== "no service yet") registry.xds.update(service(change));
  const channel = createChannel("xds:///echo", ChannelCredentials.createInsecure(), {
    "grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config": JSON.stringify({
      node: { id: "test", cluster: "tests", locality: {}, metadata: {} },
      xds_servers: [
        {
          server_uri: registry.address,
          channel_creds: [{ type: "insecure" }],
          server_features: ["xds_v3", "ignore_resource_deletion"],
        },
      ],
    }),
  });
  const client = createClient(EchoServiceDefinition, channel);
  const call = async (options?: CallOptions) => {
    try {
      return (await client.unary({ text: "who" }, options)).text;
    } catch (error) {
      if (error instanceof ClientError) return Status[error.code];
      throw error;
    }
  };
  const answers = async (calls: number, options?: CallOptions) => {
    const all: string[] = [];
    while (all.length < calls) all.push(await call(options));
    return all;
  };
  /** Whether the client has accepted everything that it was sent. */
  const upToDate = () =>
    registry.xds.clients().every(({ subscriptions }) => subscriptions.every((it) => it.acceptedVersion === it.sentVersion));
  return {
    ...{ registry, client, answers },
    hurried: createClient(HurriedEchoServiceDefinition, channel),
    calls: async (calls, options) => tally(await answers(calls, options)),
    async tell(told) {
      registry.xds.update(service(told));
      // New routes lead to new clusters, and those to endpoints, each asked for over a connection within this process.
      for (let turns = 0; turns < 100; turns = upToDate() ? turns + 1 : 0) await nextTurn();
    },
    async connected(names) {
      let answering = new Set<string>();
      while (!names.every((name) => answering.has(name))) answering = new Set(await answers(4 * names.length));
    },
    async subscribed(shortName) {
      while (registry.subscriptionTo(shortName) === undefined) await nextTurn();
    },
    async [Symbol.asyncDispose]() {
      channel.close();
      await registry[Symbol.asyncDispose]();
    },
  };
}

function service(change: Partial<RoutedService>): RoutedService {
  const grpcServices = [EchoServiceDefinition.fullName, HurriedEchoServiceDefinition.fullName];
  return routed("echo", { grpcServices, endpoints: NAMES.map((name) => at(name)), ...change });
}

function at(name: Instance, change: Partial<Endpoint> = {}): Endpoint {
  const port = instances.get(name)?.port ?? 0;
  return endpoint(0, { address: "127.0.0.1", port, version: VERSIONS[name], ...change });
}

function split(v1: number, v2: number) {
  return [
    { version: "v1", percent: v1 },
    { version: "v2", percent: v2 },
  ];
}

function tally(answers: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}

/** The counts that are further from what is expected than allowed, as sentences. */
function outliers(counts: Record<string, number>, expected: Record<string, number>, allowed: number): string[] {
  const names = new Set([...Object.keys(counts), ...Object.keys(expected)]);
  return [...names]
    .filter((name) => Math.abs((counts[name] ?? 0) - (expected[name] ?? 0)) > allowed)
    .map((name) => `${name}: ${counts[name]} instead of ${expected[name]}`);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
