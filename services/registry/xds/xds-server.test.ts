import { status } from "@grpc/grpc-js";
import { LogLines } from "../../../test/support/log-lines.ts";
import { frame, rawCall } from "../../../test/support/raw-call.ts";
import { adsDefinition } from "./contract.ts";
import { ASSIGNMENT, LISTENER, RawClient, ROUTES } from "./testing/raw-client.ts";
import { startRegistry, type TestRegistry } from "./testing/registry.ts";
import { endpoint, routed } from "./testing/routed.ts";
import type { XdsServerOptions } from "./xds-server.ts";

const TYPE_URL = `type.googleapis.com/${ASSIGNMENT}`;

describe("warm-up", () => {
  test("a new client is answered at once", async () => {
    const warmUp = manualTimer();
    await using registry = await serve(["a"], { startTimer: warmUp.start });

    expect((await registry.client.learn(ASSIGNMENT, ["a"])).names).toEqual(["a"]);
  });

  test("a client that has a configuration gets nothing of any type until the warm-up is over, then the latest", async () => {
    const warmUp = manualTimer();
    await using registry = await serve(["a"], { startTimer: warmUp.start, warmUpMs: 1_234 });
    await using returned = new RawClient(registry.address);
    returned.send({ type_url: TYPE_URL, resource_names: ["a"], version_info: "before-7" });
    returned.subscribe(LISTENER, ["a"]);
    // A second one, so that what the first one has said has been heard.
    await registry.client.learn(ASSIGNMENT, ["a"]);
    await heardFrom(registry, 2);
    registry.xds.update(routed("a", { endpoints: [endpoint(1), endpoint(2)] }));
    registry.client.accept(await registry.client.next());
    await registry.quiet();
    expect(registry.xds.clients().find(({ subscriptions }) => subscriptions[0]?.sentVersion === "")).toBeDefined();

    expect(warmUp.ms).toBe(1_234);
    warmUp.run();

    expect(await returned.next()).toMatchObject({ type: LISTENER });
    expect((await returned.next()).bytes.includes("10.0.0.2")).toBe(true);
  });

  test("a client that comes later is answered at once, whatever it has", async () => {
    const warmUp = manualTimer();
    await using registry = await serve(["a"], { startTimer: warmUp.start });
    warmUp.run();

    registry.client.send({ type_url: TYPE_URL, resource_names: ["a"], version_info: "before-7" });

    expect((await registry.client.next()).names).toEqual(["a"]);
  });
});

describe("settled", () => {
  test("is at once when nobody has asked for the service", async () => {
    await using registry = await serve(["a", "b"]);
    await registry.client.learn(ASSIGNMENT, ["b"]);

    await registry.xds.settled("a");
    await registry.xds.settled("nobody-knows-it");
  });

  test("is when every client has accepted the endpoints as they are", async () => {
    await using registry = await serve(["a"]);
    await using other = new RawClient(registry.address);
    for (const client of [registry.client, other]) await client.learn(ASSIGNMENT, ["a"]);
    await heardFrom(registry, 2);
    const settled = changed(registry);
    const updates = [await registry.client.next(), await other.next()] as const;

    registry.client.accept(updates[0]);
    await registry.quiet();
    expect(settled.done).toBe(false);
    other.accept(updates[1]);

    await settled.promise;
  });

  test.each<[string, (client: RawClient) => void]>([
    ["has refused them", (client) => client.refuse(client.last(ASSIGNMENT), "no")],
    ["does not want them any more", (client) => client.accept(client.last(ASSIGNMENT), [])],
    ["has left", (client) => client.leave()],
    ["has finished", (client) => client.finish()],
  ])("does not wait for a client that %s", async (_name, leave) => {
    await using registry = await serve(["a"]);
    await registry.client.learn(ASSIGNMENT, ["a"]);
    await registry.quiet();
    const settled = changed(registry);
    await registry.client.next();

    leave(registry.client);

    await settled.promise;
  });

  test("is when a client has accepted later endpoints", async () => {
    await using registry = await serve(["a"]);
    await registry.client.learn(ASSIGNMENT, ["a"]);
    await registry.quiet();
    const settled = changed(registry);
    registry.xds.update(routed("a", { endpoints: [endpoint(3)] }));

    registry.client.accept(await registry.client.next());

    await settled.promise;
  });

  test("waits for the endpoints of the versions too", async () => {
    await using registry = await serve([]);
    const service = routed("a", {
      endpoints: [endpoint(1, { version: "v1" }), endpoint(2, { version: "v1" })],
      split: [{ version: "v1", percent: 100 }],
    });
    registry.xds.update(service);
    await registry.client.learn(ASSIGNMENT, ["a|v1"]);
    await registry.quiet();
    const settled = changed(registry, { ...service, endpoints: service.endpoints.slice(1) });
    const update = await registry.client.next();
    expect(settled.done).toBe(false);

    registry.client.accept(update);

    await settled.promise;
  });
});

describe("limits", () => {
  const name = "x".repeat(513);
  test.each([
    ["no node", { node: null }, "node.id must have 1 to 256 characters"],
    ["a node without id", { node: { id: "" } }, "node.id must have 1 to 256 characters"],
    ["a node with a long id", { node: { id: "x".repeat(257) } }, "node.id must have 1 to 256 characters"],
    ["too many names", { resource_names: new Array(10_001).fill("a") }, "resource_names must be at most 2000"],
    ["a name that is too long", { resource_names: ["a", name] }, "resource_names[1] must have at most 127 bytes"],
  ])("refuses a request with %s", async (_name, request, details) => {
    await using registry = await serve(["a"]);

    registry.client.send({ type_url: TYPE_URL, ...request });

    expect(await registry.client.ended).toMatchObject({ code: status.INVALID_ARGUMENT, details });
    expect(registry.xds.clients()).toEqual([]);
  });

  test("what a client says of itself is kept short and well formed", async () => {
    await using registry = await serve(["a"]);
    const long = "\ud83d\udca5".repeat(1_000);
    registry.client.send({ type_url: TYPE_URL, node: { id: "raw", cluster: `x${long}`, user_agent_name: long } });
    await registry.quiet();

    const [client] = registry.xds.clients();
    expect(client?.cluster).toBe(`x${"\ud83d\udca5".repeat(127)}\u{fffd}`);
    expect(client?.userAgent).toHaveLength(256);
  });

  test("passes over types that it does not serve, and says so once", async () => {
    await using registry = await serve(["a"]);
    registry.client.send({ type_url: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret" });
    registry.client.send({ type_url: "x".repeat(10_000), resource_names: new Array(20_000).fill("a") });

    expect((await registry.client.learn(ASSIGNMENT, ["a"])).names).toEqual(["a"]);
    expect(logs.with({ msg: "an xDS client asks for what is not served" })).toMatchObject([
      { level: 20, id: "raw", typeUrl: expect.stringMatching(/Secret$/) },
    ]);
  });

  test("lives on when a message cannot be read", async () => {
    await using registry = await serve(["a"]);
    const { path } = adsDefinition.streamAggregatedResources;
    const bodies = [Buffer.from([0xff, 0xff, 0xff]), nestedRequest(20_000)];

    for (const body of bodies) {
      const answer = await rawCall({ port: Number(registry.address.split(":")[1]), path, body: [frame(body)] });
      expect(answer.status).toBe(status.INTERNAL);
    }

    expect((await registry.client.learn(ASSIGNMENT, ["a"])).names).toEqual(["a"]);
  });
});

describe("endings", () => {
  test("the stream ends when its client has said its last", async () => {
    await using registry = await serve(["a"]);
    await registry.client.learn(ROUTES, ["a"]);

    registry.client.finish();

    expect(await registry.client.ended).toBeUndefined();
    expect(registry.xds.clients()).toEqual([]);
  });

  test("close ends every stream with UNAVAILABLE, and lets none begin", async () => {
    await using registry = await serve(["a"]);
    await registry.client.learn(ROUTES, ["a"]);

    registry.xds.close();

    expect(await registry.client.ended).toMatchObject({ code: status.UNAVAILABLE });
    await using late = new RawClient(registry.address);
    late.subscribe(ROUTES, ["a"]);
    expect(await late.ended).toMatchObject({ code: status.UNAVAILABLE, details: "the registry is shutting down" });
  });

  test("streams do not keep the server from stopping", async () => {
    await using registry = await serve(["a"]);
    await registry.client.learn(ROUTES, ["a"]);

    await registry.server.drain();

    expect(await registry.client.ended).toMatchObject({ code: status.UNAVAILABLE });
    await nextTurn();
    expect(registry.xds.clients()).toEqual([]);
  });
});

let logs: LogLines;
beforeEach(() => {
  logs = new LogLines();
});

function serve(names: readonly string[], options?: Omit<XdsServerOptions, "logger">) {
  return startRegistry(logs, names, options);
}

/** A timer that runs when it is told to. */
function manualTimer() {
  const timer = {
    ms: 0,
    run: () => {},
    start(action: () => void, ms: number) {
      timer.ms = ms;
      timer.run = action;
      return () => {};
    },
  };
  return timer;
}

/** Changes a service, "a" if not said otherwise, and waits until that is settled. */
function changed({ xds }: TestRegistry, service = routed("a", { endpoints: [endpoint(1), endpoint(2)] })) {
  xds.update(service);
  const settled = { done: false, promise: Promise.resolve() };
  settled.promise = xds.settled(service.name).then(() => {
    settled.done = true;
  });
  return settled;
}

/** Waits until so many clients have accepted, or are waiting for, what they asked for. */
async function heardFrom({ xds }: TestRegistry, clients: number): Promise<void> {
  const heard = () =>
    xds.clients().filter(({ subscriptions }) => subscriptions.every((it) => it.acceptedVersion === it.sentVersion));
  while (heard().length < clients) await nextTurn();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A request whose node has metadata of lists in lists in lists. */
function nestedRequest(depth: number): Buffer {
  // From the inside out: ListValue.values and Value.list_value, Struct.fields and their value, Node.metadata, node.
  const tags = [...new Array(depth).fill([0x0a, 0x32]).flat(), 0x12, 0x0a, 0x1a, 0x12];
  let length = 0;
  const heads = tags.map((tag) => {
    const head = Buffer.from([tag, ...varint(length)]);
    length += head.length;
    return head;
  });
  return Buffer.concat(heads.reverse());
}

/** A number as protobuf writes lengths. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
