import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import pino from "pino";
import { Credentials } from "../runtime/credentials.ts";
import { Failure } from "../runtime/errors.ts";
import { dummyClient } from "../test/support/dummy-client.ts";
import { askRegistry, NoRegistry, type RegistryClients } from "./ask-registry.ts";
import { MeshAuthority } from "./certs/mesh-authority.ts";
import { temporaryFolder } from "./fixtures/processes.ts";
import { credentialsOf, meshData, startRegistry } from "./fixtures/start-registry.ts";

const nameOf = async ({ registry }: RegistryClients) => (await registry.listServices({}, { deadlineMs: 500 })).registry?.id;

let data: string;
let credentials: Credentials;
beforeAll(async () => {
  data = await meshData();
  credentials = await credentialsOf(data, "operator");
});
afterAll(() => credentials.close());

function ask<Answer>(addresses: readonly string[], question: (clients: RegistryClients) => Promise<Answer>) {
  return askRegistry({ addresses, credentials }, question);
}

/** A port that nobody listens on. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

test("asks the first registry that answers", async () => {
  await using first = await startRegistry(data, { id: "first" });
  await using second = await startRegistry(data, { id: "second" });

  expect(await ask([first.address, second.address], nameOf)).toBe("first");
  expect(await ask([await nobody(), second.address, first.address], nameOf)).toBe("second");
});

test("goes on to the next when one takes the connection and is silent", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  await using registry = await startRegistry(data);

  const { port } = silent.address() as AddressInfo;
  const answer = await ask([`127.0.0.1:${port}`, registry.address], nameOf);
  for (const socket of sockets) socket.destroy();
  silent.close();

  expect(answer).toBe("registry");
});

test("says where it has asked when none answers", async () => {
  const [one, other] = [await nobody(), await nobody()];

  await expect(ask([one, other], nameOf)).rejects.toEqual(
    new NoRegistry(
      `no registry answers at ${one} or ${other}: is the shop running? \`npm start\` runs it, and --registry says where else to ask`,
    ),
  );
});

describe("says what is wrong with what answers:", () => {
  /** What is said when a server answers that has these credentials. */
  async function sentence(security?: Credentials): Promise<string> {
    await using dummy = await dummyClient({}, security && { credentials: security });
    const address = `127.0.0.1:${dummy.port}`;
    const refusal = String(await ask([address], nameOf).catch((error: NoRegistry) => error.message));
    const [, problem] =
      /^no registry answers at (.*)\. --registry says where else to ask, and --credentials as whom$/.exec(refusal) ?? [];
    return (problem ?? refusal).replaceAll(address, "<address>");
  }

  test("no registry", async () => {
    expect(await withCredentials("registry", sentence)).toBe("<address>: what answers at <address> is no registry");
  });

  test("another service", async () => {
    expect(await withCredentials("push", sentence)).toBe("<address>: what answers at <address> is spiffe://bookmesh.local/push");
  });

  test("another mesh", async () => {
    const other = await credentialsOf(await meshData(), "registry");
    expect(await sentence(other).finally(() => other.close())).toBe(
      "<address>: what answers at <address> belongs to another mesh or has no good certificate (self-signed certificate in certificate chain)",
    );
  });

  test("no mesh at all", async () => {
    expect(await sentence()).toBe("<address>: what answers at <address> speaks no TLS");
  });

  async function withCredentials<Result>(name: string, work: (credentials: Credentials) => Promise<Result>): Promise<Result> {
    const folder = join(temporaryFolder(), name);
    await new MeshAuthority(data).tend({ issue: [{ name, folder }] });
    const held = await Credentials.open({ folder, logger: pino({ level: "silent" }) });
    return await work(held).finally(() => held.close());
  }
});

test("asks no other registry when one has refused", async () => {
  await using first = await startRegistry(data);
  await using second = await startRegistry(data);
  const reason = "BALANCING_NOT_SUPPORTED";
  first.registry.refusal = new Failure("unimplemented", "the clients do not have it", { reason });
  const restore = ({ traffic }: RegistryClients) => traffic.restore({});

  await expect(ask([first.address, second.address], restore)).rejects.toMatchObject({ reason });
  expect(second.registry.changes).toEqual([]);
});
