import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { plaintext } from "../../test/support/plaintext.ts";
import { HealthProbe, type HealthProbeOptions } from "./health-probe.ts";
import type { Instance } from "./instance.ts";
import { type Answer, startInstance } from "./testing-instance.ts";

function instance(port: number, change: Partial<Instance> = {}): Instance {
  return {
    ...{ id: "a", service: "orders", address: "127.0.0.1", port, protocol: "grpc", version: "", zone: "", weight: 1 },
    ...{ metadata: new Map(), grpcServices: [], healthCheckPath: "/health" },
    ...change,
  };
}

/** A probe that is closed at the end of the test. */
function newProbe(options: Partial<HealthProbeOptions> = {}): HealthProbe & Disposable {
  const probe = new HealthProbe({ answerMs: 5_000, credentials: plaintext(), ...options });
  return Object.assign(probe, { [Symbol.dispose]: () => probe.close() });
}

/** A probe that does not wait long. */
function hastyProbe(): HealthProbe & Disposable {
  return newProbe({ answerMs: 100 });
}

test.each<[string, Answer, string, string]>([
  ["SERVING", { serving: 1 }, "healthy", ""],
  ["NOT_SERVING", { serving: 2 }, "unhealthy", "it answers that it does not serve"],
  ["UNKNOWN", { serving: 0 }, "unhealthy", "it answers that it does not serve"],
  ["that it has no health service", { status: 12 }, "healthy", ""],
  ["that it does not know its own health", { status: 5 }, "unhealthy", "it answers NOT_FOUND"],
  ["that it has too much to do", { status: 8 }, "unhealthy", "it answers RESOURCE_EXHAUSTED"],
  ["a status that there is not", { status: 99 }, "unhealthy", "it answers with an unknown status"],
  ["UNAVAILABLE", { status: 14 }, "unavailable", "it cannot be reached"],
])("a gRPC server that answers %s", async (_what, answer, health, problem) => {
  await using server = await startInstance();
  using probe = newProbe();
  server.answer = answer;

  expect(await probe.ask(instance(server.port))).toEqual({ health, problem });
});

test("a gRPC server that does not answer is unavailable", async () => {
  await using server = await startInstance();
  using probe = hastyProbe();
  server.answer = "silent";

  expect(await probe.ask(instance(server.port))).toEqual({ health: "unavailable", problem: "no answer in time" });
});

test.each(["grpc", "http"] as const)("a port where nobody listens is unavailable by %s", async (protocol) => {
  const server = await startInstance();
  const { port } = server;
  await server.kill();
  using probe = newProbe();

  expect(await probe.ask(instance(port, { protocol }))).toEqual({ health: "unavailable", problem: "connection refused" });
});

test.each(["grpc", "http"] as const)("a listener that says nothing is unavailable by %s", async (protocol) => {
  await using server = await tcpServer(() => {});
  using probe = hastyProbe();

  expect(await probe.ask(instance(server.port, { protocol }))).toEqual({ health: "unavailable", problem: "no answer in time" });
});

test("an HTTP server is not taken for a gRPC server", async () => {
  await using server = await httpServer((_, response) => response.end("hello"));
  using probe = hastyProbe();

  expect(await probe.ask(instance(server.port))).toMatchObject({ health: "unavailable" });
});

test.each([
  ["talks all the time", (socket: Socket) => void setInterval(() => socket.write("HTTP/1.1 "), 10).unref(), "unhealthy"],
  ["speaks no HTTP", (socket: Socket) => socket.end("SSH-2.0-OpenSSH_9.9\r\n"), "unhealthy"],
  ["hangs up", (socket: Socket) => socket.destroy(), "unavailable"],
  [
    "goes to another protocol",
    (socket: Socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    "unavailable",
  ],
])("a listener that %s is not healthy by HTTP", async (_what, answer, health) => {
  await using server = await tcpServer(answer);
  using probe = newProbe({ answerMs: 1_000 });

  expect((await probe.ask(instance(server.port, { protocol: "http" }))).health).toBe(health);
});

test.each([
  [200, "healthy", ""],
  [204, "healthy", ""],
  [302, "unhealthy", "it answers 302"],
  [404, "unhealthy", "it answers 404"],
  [503, "unhealthy", "it answers 503"],
])("an HTTP server that answers %i", async (status, health, problem) => {
  const asked: (string | undefined)[] = [];
  await using server = await httpServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.writeHead(status, { location: "/elsewhere" }).end();
  });
  using probe = newProbe();

  const report = await probe.ask(instance(server.port, { protocol: "http", healthCheckPath: "/up?deep=1" }));

  expect(report).toEqual({ health, problem });
  expect(asked).toEqual([`GET /up?deep=1 127.0.0.1:${server.port}`]);
});

test("an HTTP server whose answer never ends is healthy, and is not listened to for longer", async () => {
  const left = Promise.withResolvers<void>();
  await using server = await httpServer((_, response) => {
    response.on("close", () => left.resolve());
    response.writeHead(200).write("and ");
  });
  using probe = newProbe();

  expect(await probe.ask(instance(server.port, { protocol: "http" }))).toMatchObject({ health: "healthy" });
  await left.promise;
});

test("instances are asked over IPv6 too", async () => {
  await using http = await httpServer((_, response) => response.end(), "::1");
  await using grpc = await startInstance(0, "::1");
  using probe = newProbe();

  expect(await probe.ask(instance(http.port, { protocol: "http", address: "::1" }))).toMatchObject({ health: "healthy" });
  expect(await probe.ask(instance(grpc.port, { address: "::1" }))).toMatchObject({ health: "healthy" });
});

test("one connection serves for an instance that answers, and a new one is made for one that has not", async () => {
  await using server = await startInstance();
  using probe = hastyProbe();
  for (let i = 0; i < 5; i++) await probe.ask(instance(server.port));
  expect([server.asked, server.accepted]).toEqual([5, 1]);

  server.answer = "silent";
  await probe.ask(instance(server.port));
  server.answer = { serving: 1 };
  await probe.ask(instance(server.port));

  expect([server.asked, server.accepted]).toEqual([7, 2]);
});

test("an instance that has died and is back is healthy the next time it is asked", async () => {
  const before = await startInstance();
  const { port } = before;
  using probe = newProbe();
  await probe.ask(instance(port));
  await before.kill();
  expect(await probe.ask(instance(port))).toEqual({ health: "unavailable", problem: "connection refused" });

  await using _after = await startInstance(port);

  expect(await probe.ask(instance(port))).toMatchObject({ health: "healthy" });
});

test("an instance that has only closed the connection is healthy still", async () => {
  await using server = await startInstance();
  using probe = newProbe();
  await probe.ask(instance(server.port));

  server.hangUp();

  expect(await probe.ask(instance(server.port))).toMatchObject({ health: "healthy" });
  expect(server.accepted).toBe(2);
});

test("the connection to an instance that is gone is closed, and that to one that has moved too", async () => {
  await using first = await startInstance();
  await using second = await startInstance();
  using probe = newProbe();
  await probe.ask(instance(first.port));

  await probe.ask(instance(second.port));
  await first.left;
  probe.release("a");
  await second.left;

  expect([first.connections, second.connections]).toEqual([0, 0]);
});

test("nothing is opened anew for an instance that goes while it is asked", async () => {
  await using server = await startInstance();
  using probe = newProbe();
  await probe.ask(instance(server.port));
  server.answer = "silent";

  const report = probe.ask(instance(server.port));
  await server.askedTimes(2);
  probe.release("a");
  server.hangUp();

  expect(await report).toMatchObject({ health: "unavailable" });
  expect(server.accepted).toBe(1);
});

test("whoever answers has to be of the service that has registered", async () => {
  await using server = await startInstance();
  const services: string[] = [];
  const channel = (service: string) => {
    services.push(service);
    return plaintext().channel(service);
  };
  using probe = newProbe({ credentials: { ...plaintext(), channel } });

  await probe.ask(instance(server.port));

  expect(services).toEqual(["orders"]);
});

test("a channel that cannot be opened makes an instance unavailable", async () => {
  const channel = () => {
    throw new Error("no certificate");
  };
  using probe = newProbe({ credentials: { ...plaintext(), channel } });

  expect(await probe.ask(instance(1))).toEqual({ health: "unavailable", problem: "it cannot be asked" });
});

type Listening = AsyncDisposable & { readonly port: number };

async function httpServer(answer: RequestListener, host = "127.0.0.1"): Promise<Listening> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function tcpServer(answer: (socket: Socket) => unknown): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
