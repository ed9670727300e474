import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Failure } from "../runtime/errors.ts";
import { dummyClient } from "../test/support/dummy-client.ts";
import { askRegistry, NoRegistry, type RegistryClients } from "./ask-registry.ts";
import { startRegistry } from "./fixtures/start-registry.ts";

const nameOf = async ({ registry }: RegistryClients) => (await registry.listServices({}, { deadlineMs: 500 })).registry?.id;

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
  await using first = await startRegistry({ id: "first" });
  await using second = await startRegistry({ id: "second" });

  expect(await askRegistry([first.address, second.address], nameOf)).toBe("first");
  expect(await askRegistry([await nobody(), second.address, first.address], nameOf)).toBe("second");
});

test("goes on to the next when one takes the connection and is silent", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  await using registry = await startRegistry();

  const { port } = silent.address() as AddressInfo;
  const answer = await askRegistry([`127.0.0.1:${port}`, registry.address], nameOf);
  for (const socket of sockets) socket.destroy();
  silent.close();

  expect(answer).toBe("registry");
});

test("says where it has asked when none answers", async () => {
  const [one, other] = [await nobody(), await nobody()];

  await expect(askRegistry([one, other], nameOf)).rejects.toEqual(
    new NoRegistry(
      `no registry answers at ${one} or ${other}: is the shop running? \`npm start\` runs it, and --registry says where else to ask`,
    ),
  );
});

test("says so when what answers is no registry", async () => {
  await using dummy = await dummyClient();
  const address = `127.0.0.1:${dummy.port}`;

  await expect(askRegistry([address], nameOf)).rejects.toThrow(
    `no registry answers at ${address}: what answers at ${address} is no registry. --registry says where else to ask`,
  );
});

test("asks no other registry when one has refused", async () => {
  await using first = await startRegistry();
  await using second = await startRegistry();
  const reason = "BALANCING_NOT_SUPPORTED";
  first.registry.refusal = new Failure("unimplemented", "the clients do not have it", { reason });
  const restore = ({ traffic }: RegistryClients) => traffic.restore({});

  await expect(askRegistry([first.address, second.address], restore)).rejects.toMatchObject({ reason });
  expect(second.registry.changes).toEqual([]);
});
