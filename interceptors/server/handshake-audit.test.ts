import { once } from "node:events";
import { connect, Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { jest } from "@jest/globals";
import { Registry } from "prom-client";
import { createLogger } from "../../runtime/logger.ts";
import { type Dummy, dummyClient } from "../../test/support/dummy-client.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { TestAuthority } from "../../test/support/test-authority.ts";
import { handshakeAudit } from "./handshake-audit.ts";

const HOUR_MS = 3_600_000;
const LEFT = "a client left before the connection was secured";

let authority: TestAuthority;
let stranger: TestAuthority;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
});
afterAll(async () => {
  await Promise.all([authority[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()]);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS);

/** How somebody comes to the door who is not let in. */
const knocks: readonly [who: string, reason: string, knock: (port: number) => Promise<Socket>][] = [
  ["has no certificate", "NO_CERTIFICATE", (port) => handshake(port, {})],
  [
    "has a certificate of another authority",
    "CERTIFICATE_OF_A_STRANGER",
    async (port) => handshake(port, await proof(stranger.issue("orders"))),
  ],
  [
    "has a certificate of another authority, and brings that along",
    "CERTIFICATE_OF_A_STRANGER",
    async (port) => {
      const { cert, key } = await proof(stranger.issue("orders"));
      return handshake(port, { cert: cert + stranger.root.certificatePem, key });
    },
  ],
  [
    "takes the certificate of an authority for its own",
    "CERTIFICATE_FOR_SOMETHING_ELSE",
    async (port) => handshake(port, await proof(Promise.resolve(stranger.root))),
  ],
  [
    "has a certificate that has expired",
    "CERTIFICATE_EXPIRED",
    async (port) => handshake(port, await proof(authority.issue("orders", { notBefore: inHours(-2), notAfter: inHours(-1) }))),
  ],
  [
    "has a certificate that is not valid yet",
    "CERTIFICATE_NOT_YET_VALID",
    async (port) => handshake(port, await proof(authority.issue("orders", { notBefore: inHours(1), notAfter: inHours(2) }))),
  ],
  [
    "speaks TLS 1.2 at most",
    "TLS_TOO_OLD",
    async (port) => handshake(port, { ...(await proof(authority.issue("orders"))), maxVersion: "TLSv1.2" }),
  ],
  [
    "wants HTTP/1",
    "NO_HTTP2",
    async (port) => handshake(port, { ...(await proof(authority.issue("orders"))), ALPNProtocols: ["http/1.1"] }),
  ],
  [
    "does not say that it wants HTTP/2",
    "NO_HTTP2",
    async (port) => handshake(port, { ...(await proof(authority.issue("orders"))), ALPNProtocols: [] }),
  ],
  [
    "has no cipher in common",
    "HANDSHAKE_FAILED",
    async (port) => handshake(port, { ...(await proof(authority.issue("orders"))), ciphers: "TLS_AES_128_CCM_SHA256" }),
  ],
  ["speaks HTTP/2 without TLS", "NOT_TLS", (port) => say(port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
  ["speaks HTTP/1 without TLS", "NOT_TLS", (port) => say(port, "GET / HTTP/1.1\r\nhost: dummy\r\n\r\n")],
  ["takes it for a proxy", "NOT_TLS", (port) => say(port, "CONNECT dummy:443 HTTP/1.1\r\n\r\n")],
  ["speaks no language at all", "NOT_TLS", (port) => say(port, Buffer.alloc(64, 0xff))],
  ["begins with TLS and goes on with something else", "HANDSHAKE_FAILED", (port) => say(port, NO_CLIENT_HELLO)],
];

test.each(knocks)("refuses whoever %s, in one line: %s", async (_who, reason, knock) => {
  await using dummy = await serve();

  const client = await knock(dummy.port);
  const peer = addressOf(client);
  await gone(client);
  await callAsOrders(dummy);

  expect(dummy.logs.with({ msg: "connection refused" })).toMatchObject([{ level: 40, audit: true, reason, peer }]);
  expect(await countsOf(dummy.metrics)).toEqual([{ labels: { reason }, value: 1 }]);
  expect(dummy.logs.with({ msg: "handling" })).toHaveLength(1);
});

test.each([
  ["says nothing", ""],
  ["stops in the midst of a word", Buffer.from("160301020001", "hex")],
])("refuses whoever %s for five seconds", async (_who, words) => {
  const silent = socketThatWaits(5_000);
  await using dummy = await serve();
  const client = await say(dummy.port, words);
  const peer = addressOf(client);

  (await silent).emit("timeout");
  await gone(client);

  expect(dummy.logs.with({ msg: "connection refused" })).toMatchObject([{ reason: "HANDSHAKE_TIMEOUT", peer }]);
  expect(await countsOf(dummy.metrics)).toEqual([{ labels: { reason: "HANDSHAKE_TIMEOUT" }, value: 1 }]);
});

test.each([
  ["closes the connection", (socket: Socket) => socket.end()],
  ["breaks the connection", (socket: Socket) => socket.resetAndDestroy()],
])("takes it for no refusal when a client %s in the midst of the handshake", async (_how, leave) => {
  await using dummy = await serve();
  const client = await say(dummy.port, Buffer.from("160301020001", "hex"));
  const peer = addressOf(client);

  leave(client);

  expect(await dummy.logs.find({ msg: LEFT })).toMatchObject({ level: 20, peer });
  expect(dummy.logs.with({ audit: true })).toEqual([]);
  expect(await countsOf(dummy.metrics)).toEqual([]);
});

test("takes it for no refusal when a client does not find whom it wants, and says nothing", async () => {
  await using dummy = await serve();
  const { cert, key } = await proof(authority.issue("orders"));
  const client = connectTls({ port: dummy.port, cert, key, ca: stranger.root.certificatePem, ALPNProtocols: ["h2"] });
  client.on("error", () => {});

  await dummy.logs.find({ msg: LEFT });

  expect(dummy.logs.with({ audit: true })).toEqual([]);
});

test.each([
  ["ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE", "SERVER_NOT_TRUSTED"],
  ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN", "SERVER_NOT_TRUSTED"],
  ["ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED", "SERVER_NOT_TRUSTED"],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "SERVER_NOT_TRUSTED"],
  ["ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR", "HANDSHAKE_FAILED"],
])("takes what a client says by %s for %s", (code, reason) => {
  const { audit, lines } = auditAlone();

  audit(Object.assign(new Error("alert"), { code }), SILENT, "192.0.2.1:4000");

  expect(lines()).toMatchObject([{ reason, code, peer: "192.0.2.1:4000" }]);
});

test("writes no more than fifty lines a second, and counts on", async () => {
  const now = jest.spyOn(performance, "now").mockReturnValue(1_000);
  const { audit, lines, metrics } = auditAlone();
  const refuse = () => audit(Object.assign(new Error("no"), { code: "ERR_SSL_HTTP_REQUEST" }), SILENT, "192.0.2.1:4000");

  for (let i = 0; i < 60; i++) refuse();
  expect(lines()).toHaveLength(50);

  now.mockReturnValue(2_000);
  refuse();
  expect(lines()).toHaveLength(51);
  expect(await countsOf(metrics)).toEqual([{ labels: { reason: "NOT_TLS" }, value: 61 }]);
});

/** A record of TLS whose content is no message that a client begins with. */
const NO_CLIENT_HELLO = Buffer.from(`1603010010${"ff".repeat(16)}`, "hex");
/** A connection of which nothing was rejected. */
const SILENT = { authorizationError: null as unknown as Error };

async function serve(): Promise<Dummy> {
  return dummyClient({}, { credentials: await authority.credentials("dummy") });
}

/** Makes a call on a connection of its own. Whatever came before is written when it is over. */
async function callAsOrders(dummy: Dummy): Promise<void> {
  await dummy.client.unary({ text: "hello" });
}

function auditAlone() {
  const logs = new LogLines();
  const metrics = new Registry();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  return { audit: handshakeAudit({ logger, metrics }), lines: () => logs.all, metrics };
}

async function countsOf(metrics: Registry) {
  return (await metrics.getSingleMetric("grpc_server_refused_connections_total")?.get())?.values;
}

async function proof(issued: Promise<{ certificatePem: string; keyPem: string }>) {
  const { certificatePem: cert, keyPem: key } = await issued;
  return { cert, key };
}

/** Opens a connection and begins to secure it. */
async function handshake(port: number, options: ConnectionOptions): Promise<Socket> {
  const socket = await open(port);
  const trust = { ca: authority.root.certificatePem, checkServerIdentity: () => undefined };
  connectTls({ socket, ALPNProtocols: ["h2"], ...trust, ...options }).on("error", () => {});
  return socket;
}

/** Opens a connection and says something. */
async function say(port: number, words: string | Buffer): Promise<Socket> {
  const socket = await open(port);
  socket.resume().write(words);
  return socket;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function gone(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

function addressOf({ localAddress, localPort }: Socket): string {
  return `${localAddress}:${localPort}`;
}

/** The first socket that waits for so long from now on: its time is up when it emits "timeout". */
function socketThatWaits(ms: number): Promise<Socket> {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const setTimeout = Socket.prototype.setTimeout;
  jest.spyOn(Socket.prototype, "setTimeout").mockImplementation(function (this: Socket, timeout, callback) {
    if (timeout === ms) resolve(this);
    return setTimeout.call(this, timeout, callback);
  });
  return promise;
}
