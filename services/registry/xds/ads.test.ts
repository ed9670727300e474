import { Client, credentials } from "@grpc/grpc-js";
import { LogLines } from "../../../test/support/log-lines.ts";
import { ASSIGNMENT, CLUSTER, LISTENER, RawClient, ROUTES } from "./testing/raw-client.ts";
import { FENCES, startRegistry } from "./testing/registry.ts";
import { endpoint, routed } from "./testing/routed.ts";

test("answers with the resources that are asked for, and no others", async () => {
  await using registry = await serve("a", "b", "c");

  expect((await registry.client.learn(LISTENER, ["b", "a"])).names).toEqual(["a", "b"]);
  expect((await registry.client.learn(ROUTES, ["a"])).names).toEqual(["a"]);
  expect((await registry.client.learn(CLUSTER, ["c"])).names).toEqual(["c"]);
  expect((await registry.client.learn(ASSIGNMENT, ["c", "a"])).names).toEqual(["a", "c"]);
  expect(await registry.quiet()).toEqual([]);
});

test("leaves out what there is not, until there is", async () => {
  await using registry = await serve("a");
  const first = await registry.client.learn(ROUTES, ["a", "b"]);
  expect(first.names).toEqual(["a"]);
  registry.client.subscribe(ASSIGNMENT, ["b"]);
  expect(await registry.quiet()).toEqual([]);

  registry.xds.update(routed("b"));

  expect(await registry.client.next()).toMatchObject({ type: ROUTES, names: ["b"] });
  expect(await registry.client.next()).toMatchObject({ type: ASSIGNMENT, names: ["b"] });
});

test("sends only the endpoints that have changed", async () => {
  await using registry = await serve("a", "b");
  const known = await registry.client.learn(ASSIGNMENT, ["a", "b"]);

  registry.xds.update(routed("a"));
  registry.xds.update(routed("b", { endpoints: [] }));

  const update = await registry.client.next();
  expect(update.names).toEqual(["b"]);
  expect(update.version).not.toBe(known.version);
  registry.client.accept(update, ["a", "b"]);
  expect(await registry.quiet()).toEqual([]);
});

test("sends all clusters that are asked for when one of them has changed", async () => {
  await using registry = await serve("a", "b", "c");
  await registry.client.learn(CLUSTER, ["a", "b"]);

  registry.xds.update(routed("b", { balancing: { policy: "pick-first" } }));

  expect((await registry.client.next()).names).toEqual(["a", "b"]);
});

test("sends what is asked for in addition, and of routes and endpoints nothing else", async () => {
  await using registry = await serve("a", "b");
  await registry.client.learn(LISTENER, ["a"]);
  await registry.client.learn(ROUTES, ["a"]);

  registry.client.subscribe(LISTENER, ["a", "b"]);
  registry.client.subscribe(ROUTES, ["a", "b"]);

  expect(await registry.client.next()).toMatchObject({ type: LISTENER, names: ["a", "b"] });
  expect(await registry.client.next()).toMatchObject({ type: ROUTES, names: ["b"] });
});

test("sends what has been given up and is asked for again", async () => {
  await using registry = await serve("a", "b");
  await registry.client.learn(ASSIGNMENT, ["a", "b"]);

  registry.client.subscribe(ASSIGNMENT, ["b"]);
  registry.client.subscribe(ASSIGNMENT, ["a", "b"]);

  expect((await registry.client.next()).names).toEqual(["a"]);
});

test("sends nothing that has been given up", async () => {
  await using registry = await serve("a", "b");
  await registry.client.learn(ASSIGNMENT, ["a", "b"]);
  registry.client.subscribe(ASSIGNMENT, []);
  await registry.quiet();

  registry.xds.update(routed("a", { endpoints: [] }));

  expect(await registry.quiet()).toEqual([]);
});

test.each([
  ["names nothing", []],
  ["names everything", ["*"]],
])("a client that %s gets all listeners and clusters, also those to come", async (_name, names) => {
  await using registry = await serve("a", "b");
  const listeners = await registry.client.learn(LISTENER, names);
  expect(listeners.names).toEqual(["a", "b", ...FENCES]);

  registry.xds.update(routed("c"));

  const update = await registry.client.next();
  expect(update.names).toEqual(["a", "b", "c", ...FENCES]);
  registry.client.accept(update, ["a"]);
  await registry.quiet(CLUSTER);
  registry.xds.update(routed("d"));
  expect(await registry.quiet(CLUSTER)).toEqual([]);
});

test("a client that names no routes and no endpoints gets none", async () => {
  await using registry = await serve("a");

  registry.client.subscribe(ROUTES, []);
  registry.client.subscribe(ASSIGNMENT, []);

  expect(await registry.quiet()).toEqual([]);
});

test("changes that come together are sent as one", async () => {
  await using registry = await serve("a");
  await registry.client.learn(ASSIGNMENT, ["a", "b"]);

  for (const last of [2, 3, 4]) registry.xds.update(routed("a", { endpoints: [endpoint(last)] }));
  registry.xds.update(routed("b"));

  const update = await registry.client.next();
  expect(update.names).toEqual(["a", "b"]);
  expect(update.bytes.includes("10.0.0.4")).toBe(true);
  registry.client.accept(update);
  expect(await registry.quiet()).toEqual([]);
});

test("a client that does not answer gets no more, and then the latest state", async () => {
  await using registry = await serve("a");
  registry.client.subscribe(ASSIGNMENT, ["a"]);
  const first = await registry.client.next();
  for (let last = 2; last < 100; last++) {
    registry.xds.update(routed("a", { endpoints: [endpoint(last)] }));
    await nextTurn();
  }
  expect(await registry.quiet()).toEqual([]);

  registry.client.accept(first);

  const second = await registry.client.next();
  expect(second.bytes.includes("10.0.0.99")).toBe(true);
  registry.client.accept(second);
  expect(await registry.quiet()).toEqual([]);
});

test("a client that does not read holds nobody up, and reads the latest state when it does", async () => {
  await using registry = await serve("a");
  await registry.client.learn(ASSIGNMENT, ["a"]);
  registry.client.pause();
  await using other = new RawClient(registry.address);
  await other.learn(ASSIGNMENT, ["a"]);

  for (let last = 2; last < 100; last++) {
    registry.xds.update(routed("a", { endpoints: [endpoint(last)] }));
    other.accept(await other.next());
  }

  registry.client.resume();
  registry.client.accept(await registry.client.next());
  expect((await registry.client.next()).bytes.includes("10.0.0.99")).toBe(true);
});

test("a request that a response has overtaken is not answered", async () => {
  await using registry = await serve("a", "b");
  const known = await registry.client.learn(ROUTES, ["a"]);
  registry.xds.update(routed("a", { fault: { percent: 1, delayMs: 0, abortCode: 14 } }));
  const update = await registry.client.next();

  registry.client.subscribe(ROUTES, ["a", "b"], known);
  expect(await registry.quiet()).toEqual([]);
  registry.client.accept(update, ["a", "b"]);

  expect((await registry.client.next()).names).toEqual(["b"]);
});

test("what a client has forgotten while a response was on its way it gets again", async () => {
  await using registry = await serve("a", "b");
  const known = await registry.client.learn(ASSIGNMENT, ["a", "b"]);
  registry.xds.update(routed("b", { endpoints: [] }));
  const update = await registry.client.next();

  registry.client.subscribe(ASSIGNMENT, ["b"], known);
  registry.client.subscribe(ASSIGNMENT, ["a", "b"], known);
  registry.client.accept(update, ["a", "b"]);

  expect((await registry.client.next()).names).toEqual(["a"]);
});

test("what a client has refused it does not get again before it has changed", async () => {
  await using registry = await serve("a");
  registry.client.subscribe(ROUTES, ["a"]);
  registry.client.refuse(await registry.client.next(), "no such route");
  registry.xds.update(routed("a"));
  expect(await registry.quiet()).toEqual([]);

  registry.xds.update(routed("a", { fault: { percent: 1, delayMs: 0, abortCode: 14 } }));

  expect((await registry.client.next()).names).toEqual(["a"]);
});

test("a refusal is logged once, and shown until an update is accepted", async () => {
  await using registry = await serve("a", "b");
  const { version } = await registry.client.learn(ROUTES, ["a"]);
  registry.xds.update(routed("a", { fault: { percent: 1, delayMs: 0, abortCode: 14 } }));
  const refused = await registry.client.next();

  registry.client.refuse(refused, "no such route");
  // As grpc-js does: it says it again with whatever it asks for next.
  registry.client.refuse(refused, "no such route", ["a", "b"]);
  const next = await registry.client.next();

  const refusal = { version: refused.version, reason: "no such route", time: expect.any(Date) };
  expect(registry.subscriptionTo("RouteConfiguration")).toMatchObject({ acceptedVersion: version, refusal });
  expect(logs.with({ level: 40 })).toMatchObject([{ id: "raw", cluster: "tests", type: ROUTES, reason: "no such route" }]);

  registry.client.accept(next, ["a", "b"]);
  await registry.quiet();
  expect(registry.subscriptionTo("RouteConfiguration")).toEqual({
    type: "RouteConfiguration",
    resources: 2,
    acceptedVersion: next.version,
    sentVersion: next.version,
    refusal: undefined,
  });
});

test("the reason of a refusal is cut to what can be kept and logged", async () => {
  await using registry = await serve("a");
  registry.client.subscribe(LISTENER, ["a"]);

  registry.client.refuse(await registry.client.next(), `${"x".repeat(511)}💥${"y".repeat(100_000)}`);
  await registry.quiet(CLUSTER);

  const reason = `${"x".repeat(511)}\u{fffd}`;
  expect(registry.subscriptionTo("Listener")?.refusal?.reason).toBe(reason);
  expect(logs.with({ level: 40 })).toMatchObject([{ reason }]);
});

test("shows who is connected", async () => {
  await using registry = await serve("a");
  const node = { id: "orders@10.0.0.1:50055", cluster: "orders", user_agent_name: "grpc-go", user_agent_version: "1.85.0" };
  registry.client.send({ node, type_url: `type.googleapis.com/${LISTENER}` });
  await registry.client.next();

  expect(registry.xds.clients()).toMatchObject([
    {
      nodeId: "orders@10.0.0.1:50055",
      cluster: "orders",
      userAgent: "grpc-go 1.85.0",
      connectTime: expect.any(Date),
      subscriptions: [{ type: "Listener", resources: 3, acceptedVersion: "" }],
    },
  ]);

  registry.client.leave();
  await logs.find({ msg: "call finished" });
  expect(registry.xds.clients()).toEqual([]);
});

test("a thousand clients are served from one encoding", async () => {
  await using registry = await serve("a");
  await using stack = new AsyncDisposableStack();
  const channel = new Client(registry.address, credentials.createInsecure());
  const clients = Array.from({ length: 1_000 }, () => stack.use(new RawClient(channel)));
  const versions = async () => {
    const responses = await Promise.all(clients.map((client) => client.next()));
    return responses.reduce((all, { version }) => all.add(version), new Set<string>());
  };
  for (const client of clients) client.subscribe(ASSIGNMENT, ["a"]);
  const known = await versions();
  for (const client of clients) client.subscribe(ASSIGNMENT, ["a"]);

  registry.xds.update(routed("a", { endpoints: [endpoint(2)] }));
  const update = await versions();

  expect([known.size, update.size]).toEqual([1, 1]);
  expect(update).not.toEqual(known);
});

test("those who ask for the same in another order share the encoding too", async () => {
  await using registry = await serve("a", "b");
  await using other = new RawClient(registry.address);

  const [one, another] = [await registry.client.learn(CLUSTER, ["a", "b"]), await other.learn(CLUSTER, ["b", "a"])];

  expect(one.bytes.equals(another.bytes)).toBe(true);
});

test("a client never gets two responses that it could not tell apart", async () => {
  await using registry = await serve("a");
  const first = await registry.client.learn(ROUTES, ["a"]);

  registry.client.subscribe(ROUTES, []);
  registry.client.subscribe(ROUTES, ["a"]);

  const second = await registry.client.next();
  expect(second.names).toEqual(["a"]);
  expect(second.nonce).not.toBe(first.nonce);
});

test("what does not fit into one message comes in several", async () => {
  await using registry = await serve();
  const endpoints = Array.from({ length: 10_000 }, (_, i) => endpoint(i));
  const names = Array.from({ length: 12 }, (_, i) => `large-${10 + i}`);
  for (const name of names) registry.xds.update(routed(name, { endpoints }));
  registry.client.subscribe(ASSIGNMENT, names);
  const first = await registry.client.next();

  registry.client.accept(first, names);
  const second = await registry.client.next();

  expect(first.bytes.length).toBeLessThan(2_200_000);
  expect([...first.names, ...second.names]).toEqual(names);
});

let logs: LogLines;
beforeEach(() => {
  logs = new LogLines();
});

function serve(...names: string[]) {
  return startRegistry(logs, names);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
