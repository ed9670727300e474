import { connect, createServer, type Socket } from "node:net";
import { createClient, Status } from "nice-grpc";
import { registerClient } from "../../clients/register.ts";
import { RegisterServiceDefinition } from "../../gen/bookstore/register/v1/register_service.ts";
import { HealthDefinition, HealthCheckResponse_ServingStatus as Serving } from "../../gen/health/v1/health.ts";
import { databaseKind, testDatabase } from "../../test/support/database.ts";
import { type Service, startRegister, startService } from "../../test/support/service.ts";
import { registerHandler } from "./handler.ts";

const ADA = { email: "ada@example.com", name: "Ada", language: "en", country: "GB" };
const UNAVAILABLE = { code: Status.UNAVAILABLE, details: "the store cannot be reached" };

async function healthOf({ channel, health }: Service<unknown>): Promise<Serving> {
  await health.refresh();
  return (await createClient(HealthDefinition, channel).check({ service: RegisterServiceDefinition.fullName })).status;
}

test("says SERVING while the store answers", async () => {
  await using register = await startRegister();

  expect(await healthOf(register)).toBe(Serving.SERVING);
});

test("says UNAVAILABLE, and NOT_SERVING, when the store cannot be reached", async () => {
  const refused = async (): Promise<never> => {
    throw Object.assign(new Error("connect ECONNREFUSED 10.0.0.7:5432"), { code: "ECONNREFUSED" });
  };
  const store = { add: refused, get: refused, getByEmail: refused, update: refused, delete: refused, list: refused };
  const deps = { store, hashPassword: async () => "", randomInt: () => 7_000_000, now: () => new Date() };
  await using register = await startService({
    add: (server) => server.add(RegisterServiceDefinition, registerHandler(deps)),
    client: registerClient,
    checks: { [RegisterServiceDefinition.fullName]: refused },
  });
  const { client } = register;

  await expect(client.register(ADA)).rejects.toMatchObject(UNAVAILABLE);
  await expect(client.checkRegistered({ key: { $case: "userId", value: "1" } })).rejects.toMatchObject(UNAVAILABLE);
  await expect(client.getUser({ userId: "1" })).rejects.toMatchObject(UNAVAILABLE);
  await expect(client.updateUser({ userId: "1" })).rejects.toMatchObject(UNAVAILABLE);
  await expect(client.deleteUser({ userId: "1" })).rejects.toMatchObject(UNAVAILABLE);
  await expect(client.listUsers({})).rejects.toMatchObject(UNAVAILABLE);
  expect(await healthOf(register)).toBe(Serving.NOT_SERVING);
});

// A file does not go away as a server does.
if (databaseKind === "postgres") {
  test("loses a PostgreSQL server and finds it again", async () => {
    await using database = await testDatabase();
    await using proxy = await proxyTo(new URL(database.url));
    await using register = await startRegister({ url: proxy.url });
    await register.client.register(ADA);

    await proxy.cut();
    await expect(register.client.getUser({ userId: "1" })).rejects.toMatchObject(UNAVAILABLE);
    await expect(register.client.register({ ...ADA, email: "grace@example.com" })).rejects.toMatchObject(UNAVAILABLE);
    expect(await healthOf(register)).toBe(Serving.NOT_SERVING);

    await proxy.mend();
    expect(await healthOf(register)).toBe(Serving.SERVING);
    await expect(register.client.register(ADA)).rejects.toMatchObject({ code: Status.ALREADY_EXISTS });
  });
}

/** A way to a server that can be cut and mended. */
async function proxyTo(target: URL) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) sockets.add(socket.on("error", () => {}));
    near.pipe(far).pipe(near);
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as { port: number };
  const url = new URL(target);
  url.host = `127.0.0.1:${port}`;
  const cut = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    });
  return { url: url.href, cut, mend: () => listen(port), [Symbol.asyncDispose]: cut };
}
