import { spawn } from "node:child_process";
import { once } from "node:events";
import { createSecureServer } from "node:http2";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import { jest } from "@jest/globals";
import { TestAuthority } from "../test/support/test-authority.ts";
import { type KeyMaterial, readKeyMaterial } from "./credential-files.ts";
import { MutualTlsChannelCredentials, MutualTlsServerCredentials } from "./mutual-tls.ts";

const HOUR_MS = 3_600_000;
type Leaf = NonNullable<Parameters<TestAuthority["issue"]>[1]>;

let authority: TestAuthority;
let stranger: TestAuthority;
let orders: MutualTlsChannelCredentials;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  orders = new MutualTlsChannelCredentials(await materialOf("orders"), "push");
});
afterAll(async () => {
  await Promise.all([authority[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()]);
});
afterEach(() => {
  jest.useRealTimers();
});

const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS);

describe("a client", () => {
  test("talks to the service that it wants, by TLS 1.3 and HTTP/2", async () => {
    await using server = await serveAs("push");

    const secured = await orders.secure(await open(server.port));

    expect(secured).toMatchObject({ alpnProtocol: "h2", authorized: true });
    expect(secured.getProtocol()).toBe("TLSv1.3");
    secured.destroy();
  });

  const impostors: readonly [who: string, problem: string, name: string, leaf: Leaf][] = [
    [
      "another service",
      "spiffe://bookmesh.local/push was expected, and spiffe://bookmesh.local/register answers",
      "register",
      {},
    ],
    [
      "a service of another trust domain",
      "spiffe://bookmesh.local/push was expected, and spiffe://elsewhere.local/push answers",
      "push",
      { trustDomain: "elsewhere.local" },
    ],
    ["somebody of that host name alone", "and nobody of a mesh answers", "push", { uris: [] }],
    [
      "somebody of two names",
      "and nobody of a mesh answers",
      "push",
      { uris: ["spiffe://bookmesh.local/push", "spiffe://bookmesh.local/register"] },
    ],
    ["somebody who has expired", "certificate has expired", "push", { notBefore: inHours(-2), notAfter: inHours(-1) }],
    ["somebody who is not valid yet", "certificate is not yet valid", "push", { notBefore: inHours(1), notAfter: inHours(2) }],
  ];

  test.each(impostors)("does not talk to %s", async (_who, problem, name, leaf) => {
    await using server = await serveAs(name, leaf);

    await expect(orders.secure(await open(server.port))).rejects.toThrow(problem);
    expect(server.heard).toEqual([]);
  });

  test("does not talk to the service of a stranger's authority", async () => {
    const { certificatePem: cert, keyPem: key } = await stranger.issue("push");
    await using server = await serve({ cert, key, ALPNProtocols: ["h2"] });

    await expect(orders.secure(await open(server.port))).rejects.toMatchObject({ code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  });

  test("does not talk to a stranger either where the environment has Node trust anybody", async () => {
    const { certificatePem: cert, keyPem: key } = await stranger.issue("push");
    await using server = await serve({ cert, key, ALPNProtocols: ["h2"] });
    const script = `
      import { connect } from "node:net";
      import { readKeyMaterial } from "./runtime/credential-files.ts";
      import { MutualTlsChannelCredentials } from "./runtime/mutual-tls.ts";
      const orders = new MutualTlsChannelCredentials(await readKeyMaterial(process.argv[1], new Date()), "push");
      const outcome = await orders.secure(connect(${server.port}, "127.0.0.1")).then(() => "talks", ({ code }) => code);
      process.stdout.write(outcome, () => process.exit());
    `;
    // The environment of a test is a copy, which Node does not look at.
    const env = { PATH: process.env.PATH, NODE_TLS_REJECT_UNAUTHORIZED: "0" };
    const folder = await authority.folder("orders");

    const { stdout } = spawn(process.execPath, ["--input-type=module", "--eval", script, folder], { env });

    expect(await text(stdout)).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    expect(server.heard).toEqual([]);
  });

  test("does not talk TLS 1.2", async () => {
    await using server = await serveAs("push", {}, { maxVersion: "TLSv1.2" });

    await expect(orders.secure(await open(server.port))).rejects.toMatchObject({
      code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
    });
  });

  test.each([
    ["says nothing of HTTP/2", {}, "the server speaks no HTTP/2"],
    ["speaks HTTP/1 alone", { ALPNProtocols: ["http/1.1"] }, "no application protocol"],
  ])("does not talk to a server that %s", async (_what, protocols, problem) => {
    const { certificatePem: cert, keyPem: key } = await authority.issue("push");
    await using server = await serve({ cert, key, ...protocols });

    await expect(orders.secure(await open(server.port))).rejects.toThrow(problem);
    expect(server.heard).toEqual([]);
  });

  test("gives a server that says nothing up after five seconds", async () => {
    await using server = await listen(createServer());
    const socket = await open(server.port);
    jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask", "setImmediate"] });
    let over = false;
    const outcome = orders.secure(socket).finally(() => {
      over = true;
    });

    jest.advanceTimersByTime(4_999);
    await new Promise(setImmediate);
    expect(over).toBe(false);

    jest.advanceTimersByTime(1);
    await expect(outcome).rejects.toThrow("no TLS handshake in time");
    expect(jest.getTimerCount()).toBe(0);
    expect(socket.destroyed).toBe(true);
  });

  test.each([
    ["hangs up", (socket: Socket) => socket.end()],
    ["breaks the connection", (socket: Socket) => socket.resetAndDestroy()],
    ["speaks something else", (socket: Socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ])("hears at once of a server that %s", async (_what, answer) => {
    jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask", "setImmediate"] });
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => answer(socket));
    });
    await using _ = await listen(server);

    await expect(orders.secure(await open((server.address() as AddressInfo).port))).rejects.toThrow();
    expect(jest.getTimerCount()).toBe(0);
  });

  test("shows and trusts what it was told last", async () => {
    const credentials = new MutualTlsChannelCredentials(await materialOf("orders"), "push");
    const { certificatePem: cert, keyPem: key } = await stranger.issue("push");
    await using server = await serve({ cert, key, ALPNProtocols: ["h2"], ca: stranger.root.certificatePem, requestCert: true });
    await expect(credentials.secure(await open(server.port))).rejects.toThrow();

    credentials.update(await materialOf("orders", {}, stranger));

    const secured = await credentials.secure(await open(server.port));
    secured.write("hello");
    await server.saidSomething;
    expect(server.heard).toEqual(["hello"]);
    secured.destroy();
  });
});

describe.each(["when it starts", "when it has renewed its certificate"])("a server, %s,", (when) => {
  let server: Awaited<ReturnType<typeof listen>>;
  /** Who was let in, by their certificates. */
  let guests: (string | undefined)[];
  beforeAll(async () => {
    guests = [];
    const credentials = new MutualTlsServerCredentials(await materialOf("push"));
    // As grpc-js makes its servers.
    const http2 = createSecureServer({ ...credentials._getConstructorOptions(), ...credentials._getSecureContextOptions() });
    credentials._addWatcher((options) => options !== null && http2.setSecureContext(options));
    http2.on("secureConnection", (socket: TLSSocket) => {
      guests.push(socket.getPeerX509Certificate()?.subjectAltName);
      socket.on("error", () => {});
    });
    server = await listen(http2 as unknown as Server);
    if (when !== "when it starts") credentials.update(await materialOf("push"));
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(() => {
    guests.length = 0;
  });

  test("lets in whoever proves to be of the mesh", async () => {
    const client = await knock({}, authority.issue("orders"));
    // A server of HTTP/2 says something as soon as it knows who is there.
    await once(client, "data");
    client.destroy();

    expect(guests).toEqual([expect.stringContaining("URI:spiffe://bookmesh.local/orders")]);
  });

  test.each([
    ["speaks TLS 1.2", { maxVersion: "TLSv1.2" }, () => authority.issue("orders")],
    ["wants no HTTP/2", { ALPNProtocols: ["http/1.1"] }, () => authority.issue("orders")],
    ["is a stranger", {}, () => stranger.issue("orders")],
    ["has expired", {}, () => authority.issue("orders", { notBefore: inHours(-2), notAfter: inHours(-1) })],
    ["shows nothing", {}, undefined],
  ] satisfies [string, ConnectionOptions, (() => Promise<{ certificatePem: string; keyPem: string }>) | undefined][])(
    "lets in nobody who %s",
    async (_who, options, issue) => {
      const client = await knock(options, issue?.());

      await gone(client);

      expect(guests).toEqual([]);
    },
  );

  test("looks at the certificate again when somebody comes back", async () => {
    const leaf = authority.issue("orders");
    const first = await knock({}, leaf);
    const sessions: Buffer[] = [];
    first.on("session", (session) => sessions.push(session));
    await once(first, "data");
    first.destroy();
    expect(sessions).not.toEqual([]);

    for (const session of sessions) {
      const again = await knock({ session }, leaf);
      await once(again, "data");
      expect(again.isSessionReused()).toBe(false);
      again.destroy();
    }
    expect(guests).not.toContain(undefined);
  });

  /** Begins to talk to the server. */
  async function knock(
    options: ConnectionOptions,
    issued?: Promise<{ certificatePem: string; keyPem: string }>,
  ): Promise<TLSSocket> {
    const leaf = await issued;
    const proof = leaf && { cert: leaf.certificatePem, key: leaf.keyPem };
    const trust = { ca: authority.root.certificatePem, checkServerIdentity: () => undefined };
    const socket = connectTls({ port: server.port, host: "127.0.0.1", ALPNProtocols: ["h2"], ...trust, ...proof, ...options });
    return socket.on("error", () => {});
  }
});

async function materialOf(name: string, leaf: Leaf = {}, issuer = authority): Promise<KeyMaterial> {
  return readKeyMaterial(await issuer.folder(name, leaf), new Date());
}

/** A TLS server with a certificate of the authority. */
async function serveAs(name: string, leaf: Leaf = {}, options: TlsOptions = {}) {
  const { certificatePem: cert, keyPem: key } = await authority.issue(name, leaf);
  return serve({ cert, key, ALPNProtocols: ["h2"], ...options });
}

async function serve(options: TlsOptions) {
  const heard: string[] = [];
  const { promise: saidSomething, resolve } = Promise.withResolvers<void>();
  const server = createTlsServer(options, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      heard.push(String(data));
      resolve();
    });
  });
  return { ...(await listen(server)), heard, saidSomething };
}

async function listen(server: Server) {
  const connections = new Set<Socket>();
  server.on("connection", (connection: Socket) => connections.add(connection.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

async function gone(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}
