import { Status } from "nice-grpc";
import { CallFailure } from "../../clients/call-failure.ts";
import { BalancingPolicy } from "../../gen/mesh/registry/v1/traffic_service.ts";
import { type TestDatabase, testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import type { Asker } from "./registry.ts";
import { startRegistry, type TestRegistry } from "./testing.ts";

/** Finds everybody well, but those whose port is 1. */
const ASKER: Asker = {
  ask: async ({ port }) =>
    port === 1 ? { health: "unavailable", problem: "connection refused" } : { health: "healthy", problem: "" },
  release() {},
  close() {},
};

let database: TestDatabase;
let logs: LogLines;
let it: TestRegistry;
beforeEach(async () => {
  database = await testDatabase();
  logs = new LogLines();
  it = await startRegistry({ ...database, logs, asker: ASKER });
});
afterEach(async () => {
  await it[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Registers instances of orders, one for each version, at ports 2001, 2002 and so on. */
async function register(...versions: string[]): Promise<void> {
  const ports = versions.map((_, i) => 2_001 + i);
  for (const [i, version] of versions.entries()) {
    await it.client.register({
      instance: { id: `orders-${i + 1}`, service: "orders", address: "192.0.2.1", port: ports[i] ?? 0, version },
    });
  }
  await it.dataPlane.untilPorts("orders", ...ports);
}

function failure(code: Status, reason: string | undefined, metadata: Record<string, string> = {}) {
  return expect.objectContaining({ code, reason, metadata });
}

async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "not refused",
    (error: unknown) => error,
  );
}

test("a split divides the calls between versions", async () => {
  await register("v1", "v2");

  const { traffic } = await it.traffic.setSplit({
    service: "orders",
    shares: [
      { version: "v1", percent: 90 },
      { version: "v2", percent: 10 },
    ],
  });

  const split = [
    { version: "v1", percent: 90 },
    { version: "v2", percent: 10 },
  ];
  expect(traffic).toEqual({ split, fault: undefined, balancing: undefined, ejectedInstanceIds: [] });
  expect((await it.dataPlane.until("orders", (routed) => routed.split.length > 0)).split).toEqual(split);
  expect((await it.client.getService({ service: "orders" })).service?.traffic).toEqual(traffic);
});

test("the share of a version that is gone goes to the others, and comes back with it", async () => {
  await register("v1", "v2");
  await it.traffic.setSplit({
    service: "orders",
    shares: [
      { version: "v1", percent: 70 },
      { version: "v2", percent: 30 },
    ],
  });

  await it.client.deregister({ instanceId: "orders-2" });
  await it.dataPlane.until("orders", ({ split }) => split[0]?.percent === 100);
  await register("v1", "v2");

  await it.dataPlane.until("orders", ({ split }) => split[0]?.percent === 70);
});

test("a fault makes calls slow or fails them", async () => {
  await register("v1");

  const { traffic } = await it.traffic.setFault({
    service: "orders",
    fault: { percent: 30, delay: { seconds: 1n, nanos: 500_000_000 }, abortCode: 14 },
  });

  expect(traffic?.fault).toEqual({ percent: 30, delay: { seconds: 1n, nanos: 500_000_000 }, abortCode: 14 });
  const { fault } = await it.dataPlane.until("orders", (routed) => routed.fault !== undefined);
  expect(fault).toEqual({ percent: 30, delayMs: 1_500, abortCode: 14 });
});

test("the shortest delay is a millisecond", async () => {
  await register("v1");
  await it.traffic.setFault({ service: "orders", fault: { percent: 1, delay: { nanos: 1 } } });

  expect((await it.dataPlane.until("orders", (routed) => routed.fault !== undefined)).fault?.delayMs).toBe(1);
});

test.each([
  [BalancingPolicy.BALANCING_POLICY_ROUND_ROBIN, "", { policy: "round-robin" }],
  [BalancingPolicy.BALANCING_POLICY_WEIGHTED_ROUND_ROBIN, "", { policy: "weighted-round-robin" }],
  [BalancingPolicy.BALANCING_POLICY_RING_HASH, "x-user", { policy: "ring-hash", hashHeader: "x-user" }],
  [BalancingPolicy.BALANCING_POLICY_PICK_FIRST, "", { policy: "pick-first" }],
  [BalancingPolicy.BALANCING_POLICY_RANDOM, "", { policy: "random" }],
  [BalancingPolicy.BALANCING_POLICY_LEAST_REQUEST, "", { policy: "least-request" }],
])("clients can be told of policy %i", async (policy, hashHeader, balancing) => {
  await register("v1");

  const { traffic } = await it.traffic.setBalancing({ service: "orders", balancing: { policy, hashHeader } });

  expect(traffic?.balancing).toEqual({ policy, hashHeader });
  await it.dataPlane.until("orders", (routed) => JSON.stringify(routed.balancing) === JSON.stringify(balancing));
});

test("an instance that is ejected gets no calls, however well it is, and is called again when it is restored", async () => {
  await register("v1", "v1");

  const { traffic } = await it.traffic.ejectInstance({ instanceId: "orders-1" });
  expect(traffic?.ejectedInstanceIds).toEqual(["orders-1"]);
  await it.dataPlane.untilPorts("orders", 2_002);
  await it.client.register({ instance: { id: "orders-1", service: "orders", address: "192.0.2.1", port: 2_001 } });
  const { service } = await it.client.getService({ service: "orders" });
  expect(service?.instances[0]).toMatchObject({ ejected: true, inEndpoints: false });

  expect(await it.traffic.restore({ target: "orders-1" })).toEqual({ services: ["orders"] });
  await it.dataPlane.untilPorts("orders", 2_001, 2_002);
});

test("restoring a service undoes everything that is set for it, and nothing else", async () => {
  await register("v1", "v1");
  await it.client.register({ instance: { service: "reviews", address: "192.0.2.1", port: 3_000 } });
  await it.traffic.setSplit({ service: "orders", shares: [{ version: "v1", percent: 100 }] });
  await it.traffic.setFault({ service: "orders", fault: { percent: 1, abortCode: 1 } });
  await it.traffic.setFault({ service: "reviews", fault: { percent: 1, abortCode: 1 } });
  await it.traffic.setBalancing({ service: "orders", balancing: { policy: BalancingPolicy.BALANCING_POLICY_RANDOM } });
  await it.traffic.ejectInstance({ instanceId: "orders-1" });

  expect(await it.traffic.restore({ target: "orders" })).toEqual({ services: ["orders"] });

  expect((await it.client.getService({ service: "orders" })).service?.traffic).toBeUndefined();
  expect((await it.client.getService({ service: "reviews" })).service?.traffic?.fault).toBeDefined();
  await it.dataPlane.untilPorts("orders", 2_001, 2_002);
});

test("restoring all undoes everything", async () => {
  await register("v1");
  await it.client.register({ instance: { service: "reviews", address: "192.0.2.1", port: 3_000 } });
  await it.traffic.setFault({ service: "reviews", fault: { percent: 1, abortCode: 1 } });
  await it.traffic.setFault({ service: "orders", fault: { percent: 1, abortCode: 1 } });

  expect(await it.traffic.restore({})).toEqual({ services: ["orders", "reviews"] });

  expect((await it.client.listServices({})).services.map(({ traffic }) => traffic)).toEqual([undefined, undefined]);
});

test("what changes one rule leaves the others, also when all are changed at once", async () => {
  await register("v1", "v1");

  for (let i = 1; i <= 10; i++) {
    await Promise.all([
      it.traffic.setSplit({ service: "orders", shares: [{ version: "v1", percent: 100 }] }),
      it.traffic.setFault({ service: "orders", fault: { percent: i, abortCode: 14 } }),
      it.traffic.setBalancing({ service: "orders", balancing: { policy: BalancingPolicy.BALANCING_POLICY_RANDOM } }),
      it.traffic.ejectInstance({ instanceId: "orders-2" }),
    ]);
    const { service } = await it.client.getService({ service: "orders" });
    expect(service?.traffic).toEqual({
      split: [{ version: "v1", percent: 100 }],
      fault: { percent: i, abortCode: 14, delay: undefined },
      balancing: { policy: BalancingPolicy.BALANCING_POLICY_RANDOM, hashHeader: "" },
      ejectedInstanceIds: ["orders-2"],
    });
    await it.traffic.restore({});
  }
});

describe("refuses", () => {
  const half = [
    { version: "v1", percent: 50 },
    { version: "v2", percent: 40 },
  ];
  const twice = [
    { version: "v1", percent: 50 },
    { version: "v1", percent: 50 },
  ];
  const unknown = [
    { version: "v1", percent: 50 },
    { version: "v9", percent: 50 },
  ];
  const all = [{ version: "v1", percent: 100 }];
  const { INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION } = Status;

  test.each<[string, () => Promise<unknown>, Status, string | undefined, string]>([
    [
      "shares that do not add up",
      () => it.traffic.setSplit({ service: "orders", shares: half }),
      INVALID_ARGUMENT,
      undefined,
      "shares must add up",
    ],
    [
      "a version twice",
      () => it.traffic.setSplit({ service: "orders", shares: twice }),
      INVALID_ARGUMENT,
      undefined,
      "shares[1].version",
    ],
    ["no shares", () => it.traffic.setSplit({ service: "orders" }), INVALID_ARGUMENT, "INVALID_FIELDS", "shares"],
    [
      "an unknown version",
      () => it.traffic.setSplit({ service: "orders", shares: unknown }),
      NOT_FOUND,
      "VERSION_NOT_REGISTERED",
      "v9",
    ],
    [
      "a split of an unknown service",
      () => it.traffic.setSplit({ service: "x", shares: all }),
      NOT_FOUND,
      "SERVICE_NOT_REGISTERED",
      "x",
    ],
    ["a fault that is none", () => fault({}), INVALID_ARGUMENT, undefined, "fault must have"],
    ["a delay of nothing", () => fault({ delay: {}, abortCode: 1 }), INVALID_ARGUMENT, undefined, "fault.delay"],
    ["a negative delay", () => fault({ delay: { nanos: -1 } }), INVALID_ARGUMENT, undefined, "fault.delay"],
    [
      "a delay of more than a minute",
      () => fault({ delay: { seconds: 60n, nanos: 1 } }),
      INVALID_ARGUMENT,
      undefined,
      "fault.delay",
    ],
    [
      "a delay of ages",
      () => fault({ delay: { seconds: 9_223_372_036_854_775_807n } }),
      INVALID_ARGUMENT,
      undefined,
      "fault.delay",
    ],
    ["a status that there is not", () => fault({ abortCode: 17 }), INVALID_ARGUMENT, "INVALID_FIELDS", "fault.abort_code"],
    ["a fault in no calls", () => fault({ percent: 0, abortCode: 1 }), INVALID_ARGUMENT, "INVALID_FIELDS", "fault.percent"],
    ["no fault", () => it.traffic.setFault({ service: "orders" }), INVALID_ARGUMENT, "INVALID_FIELDS", "fault"],
    [
      "a fault of an unknown service",
      () => it.traffic.setFault({ service: "x", fault: { percent: 1, abortCode: 1 } }),
      NOT_FOUND,
      "SERVICE_NOT_REGISTERED",
      "x",
    ],
    [
      "ring hash by nothing",
      () => balancing(BalancingPolicy.BALANCING_POLICY_RING_HASH),
      INVALID_ARGUMENT,
      undefined,
      "balancing.hash_header",
    ],
    [
      "ring hash by a binary header",
      () => balancing(BalancingPolicy.BALANCING_POLICY_RING_HASH, "x-user-bin"),
      INVALID_ARGUMENT,
      undefined,
      "balancing.hash_header",
    ],
    [
      "a header for what needs none",
      () => balancing(BalancingPolicy.BALANCING_POLICY_RANDOM, "x-user"),
      INVALID_ARGUMENT,
      undefined,
      "balancing.hash_header",
    ],
    [
      "no policy",
      () => balancing(BalancingPolicy.BALANCING_POLICY_UNSPECIFIED),
      INVALID_ARGUMENT,
      "INVALID_FIELDS",
      "balancing.policy",
    ],
    [
      "a policy that there is not",
      () => balancing(77 as BalancingPolicy),
      INVALID_ARGUMENT,
      "INVALID_FIELDS",
      "balancing.policy",
    ],
    [
      "balancing of an unknown service",
      () => it.traffic.setBalancing({ service: "x", balancing: { policy: BalancingPolicy.BALANCING_POLICY_RANDOM } }),
      NOT_FOUND,
      "SERVICE_NOT_REGISTERED",
      "x",
    ],
    [
      "to eject an unknown instance",
      () => it.traffic.ejectInstance({ instanceId: "x" }),
      NOT_FOUND,
      "INSTANCE_NOT_REGISTERED",
      "no such instance",
    ],
    [
      "to eject the last instance",
      () => it.traffic.ejectInstance({ instanceId: "orders-1" }),
      FAILED_PRECONDITION,
      "LAST_INSTANCE",
      "nowhere to go",
    ],
    [
      "to restore where nothing is set",
      () => it.traffic.restore({ target: "orders" }),
      NOT_FOUND,
      "NOTHING_TO_RESTORE",
      "orders",
    ],
    ["to restore when nothing is set at all", () => it.traffic.restore({}), NOT_FOUND, "NOTHING_TO_RESTORE", "nothing is set"],
  ])("%s", async (_what, command, code, reason, message) => {
    await register("v1");
    const told = it.dataPlane.updates.length;

    const error = await refusal(command());

    expect(error).toBeInstanceOf(CallFailure);
    expect(error).toMatchObject({ code, reason, details: expect.stringContaining(message) });
    expect((await it.client.getService({ service: "orders" })).service?.traffic).toBeUndefined();
    expect(it.dataPlane.updates).toHaveLength(told);
  });

  const fault = (fault: object) => it.traffic.setFault({ service: "orders", fault: { percent: 50, ...fault } });
  const balancing = (policy: BalancingPolicy, hashHeader = "") =>
    it.traffic.setBalancing({ service: "orders", balancing: { policy, hashHeader } });
});

test("says which version is not there", async () => {
  await register("v1");

  const error = await refusal(it.traffic.setSplit({ service: "orders", shares: [{ version: "v9", percent: 100 }] }));

  expect(error).toEqual(failure(Status.NOT_FOUND, "VERSION_NOT_REGISTERED", { service: "orders", version: "v9" }));
});

test("of two that are ejected at the same time one stays", async () => {
  await register("v1", "v1");

  const outcomes = await Promise.allSettled([
    it.traffic.ejectInstance({ instanceId: "orders-1" }),
    it.traffic.ejectInstance({ instanceId: "orders-2" }),
  ]);

  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  await it.dataPlane.until("orders", ({ endpoints }) => endpoints.length === 1);
});

test("the last instance that is well is not ejected, though others are there that are not", async () => {
  await register("v1");
  await it.client.register({ instance: { service: "orders", address: "192.0.2.1", port: 1 } });

  await expect(it.traffic.ejectInstance({ instanceId: "orders-1" })).rejects.toMatchObject({ reason: "LAST_INSTANCE" });
  await expect(it.traffic.ejectInstance({ instanceId: "orders@192.0.2.1:1" })).resolves.toBeDefined();
});

test("to do it again is no error", async () => {
  await register("v1", "v1");

  await it.traffic.ejectInstance({ instanceId: "orders-1" });

  await expect(it.traffic.ejectInstance({ instanceId: "orders-1" })).resolves.toMatchObject({
    traffic: { ejectedInstanceIds: ["orders-1"] },
  });
});

test("each command writes one line about who changed what", async () => {
  await register("v1");
  await it.traffic.setFault({ service: "orders", fault: { percent: 1, abortCode: 14 } });
  await it.traffic.setFault({ service: "orders", fault: { percent: 2, abortCode: 14 } });

  const lines = logs.with({ audit: true });

  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatchObject({
    level: 30,
    msg: "traffic changed",
    actor: "spiffe://bookmesh.local/operator",
    command: "SetFault",
    target: "orders",
    services: ["orders"],
    before: { orders: { split: [], fault: { percent: 1, abortCode: 14, delayMs: 0 }, ejected: [] } },
    after: { orders: { split: [], fault: { percent: 2, abortCode: 14, delayMs: 0 }, ejected: [] } },
  });
});

test("each command that is refused writes one line too", async () => {
  await refusal(it.traffic.ejectInstance({ instanceId: "x" }));

  expect(logs.with({ audit: true })).toEqual([
    expect.objectContaining({
      level: 30,
      msg: "traffic command refused",
      command: "EjectInstance",
      target: "x",
      reason: "INSTANCE_NOT_REGISTERED",
    }),
  ]);
});
