import { channel as diagnostics } from "node:diagnostics_channel";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTls } from "node:tls";
import { ChannelCredentials } from "@grpc/grpc-js";
import { jest } from "@jest/globals";
import { type Channel, createChannel, createClient, Status } from "nice-grpc";
import { openChannel } from "../../clients/channel.ts";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { currentCall } from "../../runtime/call-context.ts";
import { type Dummy, dummyClient, type SpecialCase } from "../../test/support/dummy-client.ts";
import { call, kinds, rejection } from "../../test/support/four-kinds.ts";
import { TestAuthority } from "../../test/support/test-authority.ts";
import { clientFactory } from "../client/chain.ts";

const HOUR_MS = 3_600_000;

/** What a certificate has that is not as usual. */
type Leaf = Parameters<TestAuthority["issue"]>[1];

let authority: TestAuthority;
beforeAll(async () => {
  authority = await TestAuthority.create();
});
afterAll(() => authority[Symbol.asyncDispose]());
afterEach(() => {
  jest.restoreAllMocks();
});

const whoCalls: SpecialCase = () => currentCall()?.caller?.name ?? "nobody";

test.each(kinds)("whoever has a certificate of the mesh is called by the name in it, in a %s call", async (kind) => {
  await using dummy = await serve();
  await using orders = await callAs("orders", dummy);

  expect(await call(orders.client, kind, "who?")).toEqual(["orders"]);
  expect(dummy.server.takeLoad().calls).toMatchObject([{ caller: "orders" }]);
});

test("calls that many make at the same time are not taken for each other's", async () => {
  await using dummy = await serve();
  await using stack = new AsyncDisposableStack();
  const names = ["orders", "push", "gateway", "reviews"];
  const clients = await Promise.all(names.map(async (name) => stack.use(await callAs(name, dummy)).client));

  const answers = await Promise.all(
    Array.from({ length: 400 }, (_, i) => call(clients[i % 4] as never, kinds[(i >> 2) % 4] as never, "who?")),
  );

  expect(answers.flat()).toEqual(Array.from({ length: 400 }, (_, i) => names[i % 4]));
});

test("a client talks to no server that is another one than it wants", async () => {
  await using dummy = await serve();
  const channel = openChannel(`127.0.0.1:${dummy.port}`, {
    service: "register",
    credentials: await authority.credentials("orders"),
  });

  const outcome = createClient(EchoServiceDefinition, channel).unary({ text: "hello" });

  await expect(outcome).rejects.toThrow(
    "spiffe://bookmesh.local/register was expected, and spiffe://bookmesh.local/dummy answers",
  );
  channel.close();
  expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
});

const nobodies: readonly [who: string, leaf: Leaf][] = [
  ["is of another trust domain", { trustDomain: "elsewhere.local" }],
  ["has a certificate without a name of a mesh", { uris: [] }],
  ["has a certificate with two names", { uris: ["spiffe://bookmesh.local/orders", "spiffe://bookmesh.local/push"] }],
  ["has a name that the mesh does not give", { uris: ["spiffe://bookmesh.local/shop/orders"] }],
  ["hides a name in another one", { uris: [], dnsNames: ["a, URI:spiffe://bookmesh.local/orders"] }],
];

test.each(nobodies.flatMap(([who, leaf]) => kinds.map((kind) => [kind, who, leaf] as const)))(
  "a %s call of somebody who %s is refused",
  async (kind, _who, leaf) => {
    await using dummy = await serve();
    await using client = await callWith(leaf, dummy);

    const error = await rejection(call(client.client, kind, "hello"));

    expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: "CALLER_UNKNOWN" });
    expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
    expect(dummy.logs.with({ audit: true })).toMatchObject([{ level: 40, reason: "CALLER_UNKNOWN", msg: "call refused" }]);
  },
);

test("a caller whose certificate expires while the connection is open is refused from then on", async () => {
  await using dummy = await serve();
  await using client = await callWith({}, dummy);
  const now = Date.now.bind(Date);
  await client.client.unary({ text: "hello" });

  jest.spyOn(Date, "now").mockImplementation(() => now() + 2 * HOUR_MS);
  const error = await rejection(client.client.unary({ text: "hello" }));
  jest.restoreAllMocks();

  expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: "CALLER_EXPIRED" });
  expect(dummy.logs.with({ msg: "handling" })).toHaveLength(1);
  expect(dummy.logs.with({ audit: true })).toMatchObject([
    { reason: "CALLER_EXPIRED", caller: "spiffe://bookmesh.local/orders", path: "/bookmesh.testing.v1.EchoService/Unary" },
  ]);
});

test("two servers in one process do not let in each other's guests", async () => {
  await using other = await TestAuthority.create();
  await using dummy = await serve();
  await using theirs = await dummyClient({ "who?": whoCalls }, { credentials: await other.credentials("dummy") });
  await using ours = await callAs("orders", dummy);

  expect(await call(ours.client, "unary", "who?")).toEqual(["orders"]);
  expect(await call(theirs.client, "unary", "who?")).toEqual(["dummy"]);
  await using lost = await callAs("orders", theirs);
  expect(await rejection(call(lost.client, "unary", "who?"))).toMatchObject({ code: Status.UNAVAILABLE });
});

test("nobody has more than so many connections, and others have theirs", async () => {
  await using dummy = await dummyClient({}, { credentials: await authority.credentials("dummy"), maxConnectionsPerCaller: 2 });
  const sessions = [await connectAs("orders", dummy), await connectAs("orders", dummy)];
  expect(sessions).not.toContain(undefined);

  expect(await connectAs("orders", dummy)).toBe(undefined);

  await dummy.logs.find({ msg: "connection refused", audit: true, reason: "TOO_MANY_CONNECTIONS" });
  const push = await connectAs("push", dummy);
  expect(push).not.toBe(undefined);
  for (const session of [...sessions, push]) session?.destroy();
});

test("a connection that is closed makes room for another one", async () => {
  await using dummy = await dummyClient({}, { credentials: await authority.credentials("dummy"), maxConnectionsPerCaller: 1 });
  for (let i = 0; i < 3; i++) {
    let session: ClientHttp2Session | undefined;
    // The server hears of the end a moment later than the client.
    while (session === undefined) session = await connectAs("orders", dummy);
    session.destroy();
  }
});

/** A connection without a channel, or undefined if it is closed at once. The caller closes it. */
async function connectAs(name: string, { port }: Dummy): Promise<ClientHttp2Session | undefined> {
  const { certificatePem: cert, keyPem: key } = await authority.issue(name);
  const trust = { ca: authority.root.certificatePem, checkServerIdentity: () => undefined };
  const session = connectHttp2(`https://127.0.0.1:${port}`, { cert, key, ...trust }).on("error", () => {});
  return new Promise((resolve) => {
    session.once("close", () => resolve(undefined));
    session.once("connect", () => session.ping((error) => resolve(error ? undefined : session)));
  });
}

test("a server goes on when somebody who is let in speaks no HTTP/2", async () => {
  await using dummy = await serve();
  const { certificatePem: cert, keyPem: key } = await authority.issue("orders");
  const trust = { ca: authority.root.certificatePem, checkServerIdentity: () => undefined };
  const rude = connectTls({ port: dummy.port, host: "127.0.0.1", cert, key, ...trust, ALPNProtocols: ["h2"] });
  rude.on("error", () => {}).resume();

  rude.write("GET / HTTP/1.1\r\n\r\n");
  await once(rude, "close");

  expect(await dummy.client.unary({ text: "hello" })).toEqual({ text: "hello" });
});

test("nobody stands at the door of a server that has ended", async () => {
  const accepted = diagnostics("net.server.socket");
  {
    await using dummy = await serve();
    await dummy.client.unary({ text: "hello" });
    expect(accepted.hasSubscribers).toBe(true);
  }
  expect(accepted.hasSubscribers).toBe(false);
});

async function serve(): Promise<Dummy> {
  return dummyClient({ "who?": whoCalls }, { credentials: await authority.credentials("dummy") });
}

/** A client with the credentials of a service. */
async function callAs(name: string, dummy: Dummy) {
  const credentials = await authority.credentials(name);
  return clientOn(openChannel(`127.0.0.1:${dummy.port}`, { service: "dummy", credentials }), dummy);
}

/** A client with any certificate: gRPC's own credentials look at nothing in it. */
async function callWith(leaf: Leaf, dummy: Dummy) {
  const { certificatePem, keyPem } = await authority.issue("orders", leaf);
  const [ca, key, certificate] = [authority.root.certificatePem, keyPem, certificatePem].map((pem) => Buffer.from(pem));
  return clientOn(createChannel(`localhost:${dummy.port}`, ChannelCredentials.createSsl(ca, key, certificate)), dummy);
}

function clientOn(channel: Channel, { logger }: Dummy) {
  return {
    client: clientFactory({ logger }).create(EchoServiceDefinition, channel),
    async [Symbol.asyncDispose]() {
      channel.close();
    },
  };
}
