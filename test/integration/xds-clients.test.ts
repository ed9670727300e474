import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pino from "pino";
import { openChannel } from "../../clients/channel.ts";
import { type RegistryClient, registryClient } from "../../clients/registry.ts";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { Failure } from "../../runtime/errors.ts";
import { type RegistryRelay, startRegistryRelay } from "../../runtime/registry-relay.ts";
import { type Dummy, dummyClient } from "../support/dummy-client.ts";
import { type MeshRegistry, startMeshRegistry } from "../support/mesh-registry.ts";
import { TestAuthority } from "../support/test-authority.ts";
import { goCompiler, pythonWithGrpc } from "./requirements.ts";

const CLIENTS = fileURLToPath(new URL("xds-clients", import.meta.url));
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const TARGET = "xds:///echo";
const run = promisify(execFile);

/** What a client is told to do. */
interface Order {
  calls: number;
  text: string;
  method?: "Unary" | "IdempotentUnary";
  together?: number;
}

/** How often each answer came; a failed call counts under the name of its status. */
type Answers = Readonly<Record<string, number>>;

/** Go is not asked for: where it is, its client has to obey as well. */
const languages = ["Python", ...(goCompiler() === undefined ? [] : ["Go"])] as const;

let authority: TestAuthority;
let credentials: string;
let relay: RegistryRelay;
let folder: string;
let registry: MeshRegistry;
let first: Dummy;
let second: Dummy;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bookmesh-xds-clients-"));
  authority = await TestAuthority.create();
  credentials = await authority.folder("marketplace");
  registry = await startMeshRegistry(authority);
  let attempts = 0;
  const flaky = () => {
    if (++attempts % 2 === 1) throw new Failure("unavailable", "not now");
    return "done";
  };
  const echo = { credentials: await authority.credentials("echo") };
  first = await dummyClient({ who: () => "first", flaky }, echo);
  second = await dummyClient({ who: () => "second", flaky }, echo);
  await enter(first, "v1");
  await enter(second, "v2");
  relay = await startRegistryRelay({
    registries: [registry.address],
    credentials: await authority.credentials("marketplace"),
    logger: pino({ level: "silent" }),
  });
  const { stdout } = await run(process.execPath, [MAIN, "xds-bootstrap", "--relay", relay.uri.slice("unix:".length)]);
  await writeFile(join(folder, "bootstrap.json"), stdout);
  if (languages.includes("Go"))
    await run(goCompiler() ?? "", ["build", "-o", join(folder, "go-client"), "."], { cwd: `${CLIENTS}/go` });
}, 300_000);
afterAll(async () => {
  await relay.close();
  for (const one of [first, second, registry, authority]) await one[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function enter({ port }: Dummy, version: string): Promise<void> {
  const instance = { service: "echo", address: "127.0.0.1", port, version, grpcServices: [EchoServiceDefinition.fullName] };
  await asEcho((client) => client.register({ instance }));
}

/** Registration is up to the service itself. */
async function asEcho(action: (client: RegistryClient) => Promise<unknown>): Promise<void> {
  const channel = openChannel(registry.address, { service: "registry", credentials: await authority.credentials("echo") });
  await action(registryClient(channel, pino({ level: "silent" })));
  channel.close();
}

/** A client of another language, in a process of its own. */
class Client implements AsyncDisposable {
  readonly #process;
  readonly #answers;

  constructor(language: (typeof languages)[number]) {
    const [program = "", ...args] =
      language === "Go" ? [join(folder, "go-client")] : [pythonWithGrpc() ?? "", join(CLIENTS, "client.py")];
    const env = { ...process.env, GRPC_XDS_BOOTSTRAP: join(folder, "bootstrap.json") };
    this.#process = spawn(program, [...args, TARGET, credentials], { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async ask(order: Order): Promise<Answers> {
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    const { value } = await this.#answers.next();
    return JSON.parse(String(value)).answers;
  }

  /** Asks again and again until the answers are as they should be; the test's own time limit ends it. */
  async until(order: Order, fits: (answers: Answers) => boolean): Promise<Answers> {
    while (true) {
      const answers = await this.ask(order);
      if (fits(answers)) return answers;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    await once(this.#process, "exit");
  }
}

const who = { text: "who", calls: 20 };

describe.each(languages)("a client in %s", (language) => {
  let client: Client;
  beforeAll(() => {
    client = new Client(language);
  });
  afterAll(() => client[Symbol.asyncDispose]());

  test("goes round the endpoints", async () => {
    await client.until(who, ({ first, second }) => first !== undefined && second !== undefined);

    expect(await client.ask({ ...who, calls: 200 })).toEqual({ first: 100, second: 100 });
  }, 30_000);

  test("tries again what the contract lets it", async () => {
    expect(await client.ask({ text: "flaky", calls: 20, method: "IdempotentUnary" })).toEqual({ done: 20 });
    expect(await client.ask({ text: "flaky", calls: 20 })).toEqual({ done: 10, UNAVAILABLE: 10 });
  }, 30_000);

  test("divides its calls as a split says", async () => {
    const shares = [
      { version: "v1", percent: 90 },
      { version: "v2", percent: 10 },
    ];
    await registry.traffic.setSplit({ service: "echo", shares });
    await client.until(who, ({ first = 0 }) => first > 14);

    const { first = 0, second = 0 } = await client.ask({ ...who, calls: 4_000, together: 8 });

    await registry.traffic.restore({ target: "echo" });
    expect(first + second).toBe(4_000);
    expect(second / 4_000).toBeGreaterThan(0.08);
    expect(second / 4_000).toBeLessThan(0.12);
  }, 30_000);

  test("fails as a fault says, and no longer", async () => {
    await registry.traffic.setFault({ service: "echo", fault: { percent: 100, abortCode: 9 } });
    await client.until(who, ({ FAILED_PRECONDITION = 0 }) => FAILED_PRECONDITION === 20);
    await registry.traffic.restore({ target: "echo" });

    await client.until(who, ({ FAILED_PRECONDITION }) => FAILED_PRECONDITION === undefined);
  }, 30_000);

  test("calls nobody who has left", async () => {
    await asEcho((client) => client.deregister({ instanceId: `echo@127.0.0.1:${second.port}` }));
    await client.until(who, ({ first = 0 }) => first === 20);
    await enter(second, "v2");

    await client.until(who, ({ second }) => second !== undefined);
  }, 30_000);

  test("has refused nothing that it was told", async () => {
    const { clients } = await registry.client.listClients({});

    expect(clients.length).toBeGreaterThan(0);
    for (const { refusal } of clients.flatMap(({ subscriptions }) => subscriptions)) expect(refusal).toBeUndefined();
  });
});
