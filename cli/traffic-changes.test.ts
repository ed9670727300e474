import { Status } from "nice-grpc-common";
import { BalancingPolicy } from "../gen/mesh/registry/v1/traffic_service.ts";
import { durationOf } from "../runtime/duration.ts";
import { Failure } from "../runtime/errors.ts";
import { meshData, startRegistry } from "./fixtures/start-registry.ts";
import { testSurroundings } from "./fixtures/surroundings.ts";
import { changeTraffic, ejectInstance, restore, setBalancing, setFault, setSplit } from "./traffic-changes.ts";

let data: string;
let it: Awaited<ReturnType<typeof startRegistry>>;
beforeAll(async () => {
  data = await meshData();
});
beforeEach(async () => {
  it = await startRegistry(data);
});
afterEach(() => it[Symbol.asyncDispose]());

async function run(plan: Parameters<typeof changeTraffic>[1]) {
  const { surroundings, stdout, stderr } = testSurroundings();
  const status = await changeTraffic({ registry: [it.address], data }, plan, surroundings);
  return { status, stdout: stdout(), stderr: stderr() };
}

const shares = [
  { version: "v1", percent: 90 },
  { version: "v2", percent: 10 },
];

test("divides calls between versions, and says everything that holds for the service now", async () => {
  it.registry.traffic = { split: shares, fault: { percent: 100, delay: undefined, abortCode: Status.NOT_FOUND } };

  expect(await run(() => setSplit("push", shares))).toEqual({
    status: 0,
    stdout: "push: split v1 90% v2 10%; fault 100%: abort NOT_FOUND.\n",
    stderr: "",
  });
  expect(it.registry.changes).toEqual([["setSplit", { service: "push", shares }]]);
});

test("makes calls slow, or fail", async () => {
  it.registry.traffic = { fault: { percent: 20, delay: durationOf(1_500), abortCode: 0 } };

  expect(await run(() => setFault("push", { delay: 1_500, percent: 20 }))).toMatchObject({
    stdout: "push: fault 20%: delay 1500 ms.\n",
  });
  await run(() => setFault("push", { abort: Status.UNAVAILABLE, percent: 100 }));
  expect(it.registry.changes).toEqual([
    ["setFault", { service: "push", fault: { percent: 20, delay: { seconds: 1n, nanos: 500_000_000 }, abortCode: 0 } }],
    ["setFault", { service: "push", fault: { percent: 100, delay: undefined, abortCode: 14 } }],
  ]);
});

test("chooses how clients pick", async () => {
  const policy = BalancingPolicy.BALANCING_POLICY_RING_HASH;
  it.registry.traffic = { balancing: { policy, hashHeader: "x-user" } };

  expect(await run(() => setBalancing("push", policy, "x-user"))).toMatchObject({
    stdout: "push: balance ring-hash by the header x-user.\n",
  });
  expect(it.registry.changes).toEqual([["setBalancing", { service: "push", balancing: { policy, hashHeader: "x-user" } }]]);
});

test("takes an instance out, and says who else is out", async () => {
  it.registry.traffic = { ejectedInstanceIds: ["push-a"] };
  expect(await run(() => ejectInstance("push-a"))).toMatchObject({ stdout: "push-a gets no calls until it is restored.\n" });

  it.registry.traffic = { ejectedInstanceIds: ["push-a", "push-b"] };
  expect(await run(() => ejectInstance("push-b"))).toMatchObject({
    stdout: "push-b gets no calls until it is restored, nor do push-a.\n",
  });
  expect(it.registry.changes[0]).toEqual(["ejectInstance", { instanceId: "push-a" }]);
});

test("undoes what was set, for a service, an instance or all", async () => {
  it.registry.show([{ name: "push" }, { name: "register" }]);

  expect(await run(() => restore("push"))).toMatchObject({ stdout: "Nothing is set for push any more.\n" });
  expect(await run(() => restore())).toMatchObject({
    stdout: "Nothing is set for any service any more; undone: push, register.\n",
  });
  expect(it.registry.changes).toEqual([
    ["restore", { target: "push" }],
    ["restore", { target: "" }],
  ]);
});

test("says of an instance whose service it was restored in", async () => {
  it.registry.restored = ["push"];

  expect(await run(() => restore("push-a"))).toMatchObject({ stdout: "What was set for push-a is undone (push).\n" });
});

test("says why the registry refuses, every violation once, and ends with 65", async () => {
  it.registry.refusal = new Failure("invalid", "shares must add up to 100", {
    violations: [
      { field: "shares", description: "must add up to 100" },
      { field: "shares[1].version", description: "is named twice" },
    ],
  });

  expect(await run(() => setSplit("push", shares))).toEqual({
    status: 65,
    stdout: "",
    stderr: "shares must add up to 100\n  shares[1].version is named twice\n",
  });
});

test("says what the contract does not allow", async () => {
  const { status, stderr } = await run(() => setSplit("push", [{ version: "not a version", percent: 100 }]));

  expect(status).toBe(65);
  expect(stderr).toMatch(/^shares\[0\]\.version must match .*\n$/);
});

test("does not ask for what cannot be, and ends with 64", async () => {
  expect(await run(() => setFault("push", { percent: 5 }))).toEqual({
    status: 64,
    stdout: "",
    stderr: "give --delay, --abort, or both\n",
  });
  expect(await run(() => setBalancing("push", BalancingPolicy.BALANCING_POLICY_RANDOM, "x-user"))).toMatchObject({
    status: 64,
    stderr: "--header is for ring-hash only\n",
  });
  expect(it.registry.changes).toEqual([]);
});

test("ends with 69 when no registry answers", async () => {
  await it[Symbol.asyncDispose]();

  const { status, stderr } = await run(() => restore());

  expect(status).toBe(69);
  expect(stderr).toContain(`no registry answers at ${it.address}: is the shop running?`);
});
