import { type Channel, createChannel, createClient, Status, waitForChannelReady } from "nice-grpc";
import pino from "pino";
import { EchoServiceDefinition } from "../gen/bookmesh/testing/v1/echo_service.ts";
import { Credentials } from "../runtime/credentials.ts";
import { type Dummy, dummyClient } from "./support/dummy-client.ts";
import { TestAuthority } from "./support/test-authority.ts";

const CLIENT = "orders";
const SERVER = "dummy";
/** Each of two clients calls each of two servers, on a connection that it has and on a new one. */
const CALLS_AT_ONCE = 8;

test("no call fails while leaves are rotated 20 times and the root is rolled, whoever hears of it first", async () => {
  await using mesh = await Mesh.start();
  const { old, next } = mesh;
  const clientsFirst = mesh.processes;
  const serversFirst = mesh.processes.toReversed();
  const trustOld = old.root.certificatePem;
  const trustNext = next.root.certificatePem;

  for (let i = 0; i < 10; i++) await mesh.rotate(old, trustOld, i % 2 === 0 ? clientsFirst : serversFirst);
  // As `bookmesh certs roll` does it: everybody trusts the new root before anybody has a leaf of it.
  await mesh.rotate(old, trustOld + trustNext, clientsFirst);
  await mesh.rotate(next, trustOld + trustNext, serversFirst);
  for (let i = 0; i < 10; i++) await mesh.rotate(next, trustNext, i % 2 === 0 ? clientsFirst : serversFirst);

  expect(mesh.calls).toBe(22 * mesh.processes.length * CALLS_AT_ONCE);
  // Whoever comes with a leaf of the old root is a stranger now.
  await expect(mesh.callAnew(mesh.servers[0], await old.credentials(CLIENT))).rejects.toThrow();
}, 60_000);

test.each([
  ["that was called on", 1],
  ["that nobody has called on yet", 0],
])("a connection %s lasts no longer than the trust in the root that it was opened by", async (_what, calls) => {
  await using mesh = await Mesh.start();
  const [server] = mesh.servers;
  const stolen = await mesh.old.credentials(CLIENT);
  const channel = openChannel(server, stolen);
  const call = () => createClient(EchoServiceDefinition, channel).unary({ text: "hello" });
  await waitForChannelReady(channel, new Date(Date.now() + 5_000));
  for (let i = 0; i < calls; i++) await call();

  await mesh.next.folder(SERVER, { folder: mesh.folderOf(SERVER) });
  await server.credentials.reload();

  await expect(call()).rejects.toMatchObject({ code: Status.UNAVAILABLE });
  expect(server.dummy.logs.with({ msg: "handling" })).toHaveLength(calls);
  channel.close();
});

/** Two clients and two servers, each with credentials of its own from the folder of its service. */
class Mesh implements AsyncDisposable {
  readonly old: TestAuthority;
  readonly next: TestAuthority;
  readonly clients: readonly [Credentials, Credentials];
  readonly servers: readonly [Server, Server];
  /** How many calls have been answered. */
  calls = 0;
  readonly #folders: ReadonlyMap<string, string>;
  readonly #stack: AsyncDisposableStack;
  /** From each client to each server, opened at the beginning. */
  readonly #channels: readonly Channel[];

  private constructor(
    parts: Pick<Mesh, "old" | "next" | "clients" | "servers">,
    folders: Map<string, string>,
    stack: AsyncDisposableStack,
  ) {
    this.old = parts.old;
    this.next = parts.next;
    this.clients = parts.clients;
    this.servers = parts.servers;
    this.#folders = folders;
    this.#stack = stack;
    this.#channels = this.clients.flatMap((client) => this.servers.map((server) => openChannel(server, client)));
    stack.defer(() => {
      for (const channel of this.#channels) channel.close();
    });
  }

  static async start(): Promise<Mesh> {
    await using stack = new AsyncDisposableStack();
    const old = stack.use(await TestAuthority.create());
    const next = stack.use(await TestAuthority.create());
    const folders = new Map([
      [CLIENT, await old.folder(CLIENT)],
      [SERVER, await old.folder(SERVER)],
    ]);
    const open = async (name: string) => {
      const credentials = await Credentials.open({ folder: folders.get(name) as string, logger: pino({ level: "silent" }) });
      return stack.adopt(credentials, () => credentials.close());
    };
    const serve = async (): Promise<Server> => {
      const credentials = await open(SERVER);
      return { credentials, dummy: stack.use(await dummyClient({}, { credentials })) };
    };
    const clients = [await open(CLIENT), await open(CLIENT)] as const;
    const servers = [await serve(), await serve()] as const;
    return new Mesh({ old, next, clients, servers }, folders, stack.move());
  }

  folderOf(name: string): string {
    return this.#folders.get(name) as string;
  }

  /** Clients first. */
  get processes(): Credentials[] {
    return [...this.clients, ...this.servers.map(({ credentials }) => credentials)];
  }

  /** Issues a leaf to each service, of which one process after the other hears, with calls under way all the time. */
  async rotate(issuer: TestAuthority, ca: string, processes: readonly Credentials[]): Promise<void> {
    const written = new Set<string>();
    for (const process of processes) {
      const { name } = process.identity;
      const calls = this.#callEverywhere();
      if (!written.has(name)) await issuer.folder(name, { ca, folder: this.folderOf(name) });
      written.add(name);
      await process.reload();
      await calls;
    }
  }

  /** Calls a server on a connection of its own. */
  async callAnew(server: Server, client: Credentials): Promise<void> {
    const channel = openChannel(server, client);
    await this.#call(channel).finally(() => channel.close());
  }

  async #callEverywhere(): Promise<void> {
    const anew = this.clients.flatMap((client) => this.servers.map((server) => this.callAnew(server, client)));
    await Promise.all([...this.#channels.map((channel) => this.#call(channel)), ...anew]);
  }

  async #call(channel: Channel): Promise<void> {
    await createClient(EchoServiceDefinition, channel).unary({ text: "hello" });
    this.calls++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

interface Server {
  readonly credentials: Credentials;
  readonly dummy: Dummy;
}

function openChannel({ dummy }: Server, client: Credentials): Channel {
  // Without the option all channels to a server share a connection.
  return createChannel(`127.0.0.1:${dummy.port}`, client.channel(SERVER), { "grpc.use_local_subchannel_pool": 1 });
}
