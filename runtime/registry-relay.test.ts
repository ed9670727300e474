import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { LogLines } from "../test/support/log-lines.ts";
import { plaintext } from "../test/support/plaintext.ts";
import { TestAuthority } from "../test/support/test-authority.ts";
import { createLogger } from "./logger.ts";
import { startRegistryRelay } from "./registry-relay.ts";
import type { ChannelSecurity } from "./security.ts";

test("passes what is said to the registry and back", async () => {
  await using registry = await echo("a");
  await using relay = await relayTo([registry.address]);

  await using client = await relay.connect();

  expect(await client.ask("hello")).toBe("a:hello");
});

test("goes to the next registry when one is gone", async () => {
  await using first = await echo("a");
  await using second = await echo("b");
  await using relay = await relayTo([first.address, second.address]);
  await using before = await relay.connect();
  const name = (await before.ask("hello")).slice(0, 1);
  await (name === "a" ? first : second).stop();
  await before.closed;

  await using after = await relay.connect();

  expect(await after.ask("hello")).toBe(name === "a" ? "b:hello" : "a:hello");
});

test("keeps a connection waiting until a registry is there, with what it has said", async () => {
  const gone = await echo("a");
  await gone.stop();
  await using relay = await relayTo([gone.address]);
  await using client = await relay.connect();
  const answer = client.ask("hello");

  await using _ = await echo("a", gone.port);

  expect(await answer).toBe("a:hello");
});

test("lets go of a registry that says nothing", async () => {
  await using silent = await echo("");
  await using relay = await relayTo([silent.address], { silenceMs: 50 });
  await using client = await relay.connect();

  await client.closed;
});

test.each([
  ["says nothing", ""],
  ["speaks something else", "HTTP/1.1 400 Bad Request"],
])("goes to another registry when the one that was asked %s", async (_what, says) => {
  await using bad = await greeter(says);
  await using good = await greeter(SETTINGS);
  await using relay = await relayTo([bad.address, good.address], { silenceMs: 50 });

  for (let i = 0; i < 6; i++) {
    await using client = await relay.connect();
    if ((await client.hears()) !== SETTINGS) await client.closed;
  }
  const askedBefore = bad.asked();

  for (let i = 0; i < 10; i++) {
    await using client = await relay.connect();
    expect(await client.hears()).toBe(SETTINGS);
  }
  expect(bad.asked()).toBe(askedBefore);
});

test("goes on when the connection to a registry breaks", async () => {
  await using authority = await TestAuthority.create();
  await using registry = await securedEcho(await authority.issue("registry"), authority.root);
  await using relay = await relayTo([registry.address], { credentials: await authority.credentials("orders") });
  await using before = await relay.connect();
  await before.ask("hello");

  registry.breakConnections();
  await before.closed;

  await using after = await relay.connect();
  expect(await after.ask("hello")).toBe(`${SETTINGS}hello`);
});

test("lets in no registry that does not prove that it is one", async () => {
  await using authority = await TestAuthority.create();
  await using impostor = await securedEcho(await authority.issue("push"), authority.root);
  await using registry = await securedEcho(await authority.issue("registry"), authority.root);
  await using relay = await relayTo([impostor.address, registry.address], {
    credentials: await authority.credentials("orders"),
  });

  for (let i = 0; i < 10; i++) {
    await using client = await relay.connect();
    expect(await client.ask("hello")).toBe(`${SETTINGS}hello`);
  }
  expect(impostor.heard()).toBe(0);
  expect(impostor.asked()).toBeLessThanOrEqual(1);
});

test("ends all connections when it is closed", async () => {
  await using registry = await echo("a");
  const relay = await relayTo([registry.address]);
  await using client = await relay.connect();
  await client.ask("hello");

  await relay[Symbol.asyncDispose]();

  await client.closed;
});

/** An empty SETTINGS frame: what a server of HTTP/2 says first. */
const SETTINGS = "\0\0\0\u0004\0\0\0\0\0";

/** A server that says something when it is called, and hangs up if that is no HTTP/2. */
async function greeter(says: string) {
  let asked = 0;
  const server = createServer((socket) => {
    asked++;
    socket.on("error", () => {});
    if (says === SETTINGS) socket.write(says);
    else if (says !== "") socket.end(says);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

/** A server that puts its name before what it hears; one without a name says nothing. */
async function echo(name: string, port = 0) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => name !== "" && socket.write(`${name}:${data}`));
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: bound } = server.address() as AddressInfo;
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return { port: bound, address: `127.0.0.1:${bound}`, stop, [Symbol.asyncDispose]: stop };
}

/** A server behind mutual TLS that says SETTINGS, and what it hears. */
async function securedEcho(leaf: Leaf, root: Leaf) {
  const connections = new Set<Socket>();
  let [asked, heard] = [0, 0];
  const { certificatePem: cert, keyPem: key } = leaf;
  const options: TlsOptions = { cert, key, ca: root.certificatePem, requestCert: true, ALPNProtocols: ["h2"] };
  const server = createTlsServer(options, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      heard++;
      socket.write(`${SETTINGS}${data}`);
    });
  }).listen(0, "127.0.0.1");
  server.on("connection", (connection: Socket) => {
    asked++;
    connections.add(connection);
  });
  await once(server, "listening");
  const breakConnections = () => {
    for (const connection of connections) connection.resetAndDestroy();
    connections.clear();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    heard: () => heard,
    breakConnections,
    async [Symbol.asyncDispose]() {
      breakConnections();
      server.close();
    },
  };
}

type Leaf = Awaited<ReturnType<TestAuthority["issue"]>>;

async function relayTo(registries: string[], options: { silenceMs?: number; credentials?: ChannelSecurity } = {}) {
  const logger = createLogger({ name: "test", level: "debug", destination: new LogLines() });
  const { uri, close } = await startRegistryRelay({ registries, credentials: plaintext(), logger, ...options });
  return {
    async connect() {
      const socket = createConnection(uri.slice("unix:".length));
      const closed = once(socket, "close");
      await once(socket, "connect");
      return {
        closed,
        /** What is said first; "" if nothing is. */
        async hears() {
          const [data] = await Promise.race([once(socket, "data"), closed.then(() => [""])]);
          return String(data);
        },
        async ask(text: string) {
          socket.write(text);
          const [data] = await once(socket, "data");
          return String(data);
        },
        [Symbol.asyncDispose]: async () => void socket.destroy(),
      };
    },
    [Symbol.asyncDispose]: close,
  };
}
