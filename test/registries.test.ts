// Several registries, which know nothing of each other.
import "./support/unref-xds-timers.ts";
import pino from "pino";
import { openChannel } from "../clients/channel.ts";
import { type EchoServiceClient, EchoServiceDefinition } from "../gen/bookmesh/testing/v1/echo_service.ts";
import { clientFactory } from "../interceptors/client/chain.ts";
import { joinMesh } from "../runtime/mesh.ts";
import { startRegistryRelay } from "../runtime/registry-relay.ts";
import { xdsBootstrap } from "../runtime/xds-bootstrap.ts";
import { dummyClient } from "./support/dummy-client.ts";
import { type MeshRegistry, startMeshRegistry } from "./support/mesh-registry.ts";
import { TestAuthority } from "./support/test-authority.ts";

const logger = pino({ level: "silent" });

let authority: TestAuthority;
beforeAll(async () => {
  authority = await TestAuthority.create();
});
afterAll(() => authority[Symbol.asyncDispose]());

test("every registry knows every instance, and when one is gone clients hear of changes from the other", async () => {
  await using first = await startMeshRegistry(authority);
  await using second = await startMeshRegistry(authority);
  const registries = [first, second];
  await using a = await instance("a", registries);
  await known(registries, a.port);
  await using it = await clientOf(registries);
  expect((await it.client.idempotentUnary({ text: "who" })).text).toBe("a");
  const told = await toldBy(registries);

  await told[Symbol.asyncDispose]();
  await using b = await instance("b", registries);
  while ((await it.client.idempotentUnary({ text: "who" })).text !== "b");

  await b.leave();
  for (let i = 0; i < 20; i++) expect((await it.client.unary({ text: "who" })).text).toBe("a");
});

test("an instance that leaves is called no more when it has left, and no call is lost", async () => {
  await using registry = await startMeshRegistry(authority);
  await using a = await instance("a", [registry]);
  await using b = await instance("b", [registry]);
  await known([registry], a.port, b.port);
  await using it = await clientOf([registry]);
  while ((await it.client.unary({ text: "who" })).text !== "b");
  let calling = true;
  const answers: string[] = [];
  const load = (async () => {
    while (calling) answers.push((await it.client.unary({ text: "who" })).text);
  })();

  await b.leave();
  const from = answers.length;
  while (answers.length < from + 50) await new Promise(setImmediate);
  calling = false;
  await load;

  // The call that was on its way when the client heard of it may be among them.
  expect(answers.slice(from + 1)).not.toContain("b");
});

/** A server that says its name, in the mesh of these registries. */
async function instance(name: string, registries: readonly MeshRegistry[]) {
  const credentials = await authority.credentials("echo");
  const dummy = await dummyClient({ who: () => name }, { credentials });
  const mesh = await joinMesh({
    ...{ service: "echo", host: "127.0.0.1", serviceVersion: "v1", zone: "", instanceWeight: 1, logger },
    credentials,
    registries: registries.map(({ address }) => address),
  });
  mesh.enter(dummy.server, dummy.port);
  return {
    port: dummy.port,
    leave: () => mesh.leave(),
    async [Symbol.asyncDispose]() {
      await mesh.close();
      await dummy[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when all registries send calls to these ports. */
async function known(registries: readonly MeshRegistry[], ...ports: number[]): Promise<void> {
  for (const { client } of registries) {
    while (true) {
      const { services } = await client.listServices({});
      const instances = services.flatMap(({ instances }) => instances).filter(({ inEndpoints }) => inEndpoints);
      if (ports.every((port) => instances.some(({ instance }) => instance?.port === port))) break;
    }
  }
}

/** The registry that tells our client. */
async function toldBy(registries: readonly MeshRegistry[]): Promise<MeshRegistry> {
  for (const registry of registries) if ((await registry.client.listClients({})).clients.length > 0) return registry;
  throw new Error("no registry has a client");
}

async function clientOf(registries: readonly MeshRegistry[]) {
  const credentials = await authority.credentials("marketplace");
  const relay = await startRegistryRelay({
    registries: registries.map(({ address }) => address),
    credentials,
    logger,
  });
  const bootstrap = xdsBootstrap({ registries: [relay.uri], nodeId: "test", cluster: "test" });
  const channel = openChannel("xds:///echo", { service: "echo", credentials, bootstrap });
  const client: EchoServiceClient = clientFactory({ logger }).create(EchoServiceDefinition, channel);
  return {
    client,
    async [Symbol.asyncDispose]() {
      channel.close();
      await relay.close();
    },
  };
}
