import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { jest } from "@jest/globals";
import { createClient } from "nice-grpc";
import { Registry } from "prom-client";
import { openChannel } from "../clients/channel.ts";
import { EchoServiceDefinition } from "../gen/bookmesh/testing/v1/echo_service.ts";
import { dummyClient } from "../test/support/dummy-client.ts";
import { LogLines } from "../test/support/log-lines.ts";
import { TestAuthority } from "../test/support/test-authority.ts";
import { EXIT_BAD_CONFIG } from "./config.ts";
import { Credentials } from "./credentials.ts";
import { createLogger } from "./logger.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const RENEWED = "the certificate was renewed";
const NOT_RENEWED = "the certificate cannot be renewed: the old one is kept";

let authority: TestAuthority;
let stranger: TestAuthority;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
});
afterAll(async () => {
  await Promise.all([authority[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()]);
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

test("new files are in force within a second, for connections that are opened from then on", async () => {
  jest.useFakeTimers({ doNotFake: ["Date", "nextTick", "performance", "queueMicrotask", "setImmediate", "setInterval"] });
  await using it = await open();
  await using dummy = await dummyClient({}, { credentials: it.credentials });
  const channel = openChannel(`127.0.0.1:${dummy.port}`, { service: "dummy", credentials: it.credentials });
  const say = conversation();
  const answers = createClient(EchoServiceDefinition, channel).bidiStreaming(say.texts)[Symbol.asyncIterator]();
  say.next("before");
  expect(await answers.next()).toMatchObject({ value: { text: "before" } });
  const before = await it.introduce(dummy.port);

  await authority.folder("dummy", { folder: it.folder });
  expect(await it.introduce(dummy.port)).toEqual(before);
  jest.advanceTimersByTime(1_000);
  await it.logs.find({ msg: RENEWED });
  const after = await it.introduce(dummy.port);

  // Client and server have the same files here, and so the same certificate.
  expect(before.own).toBe(before.peers);
  expect(after.own).toBe(after.peers);
  expect(after.own).not.toBe(before.own);
  say.next("after");
  expect(await answers.next()).toMatchObject({ value: { text: "after" } });
  say.end();
  channel.close();
});

test("says until when it is good, also after a renewal", async () => {
  const metrics = new Registry();
  const first = new Date(Math.floor(Date.now() / 1_000) * 1_000 + HOUR_MS);
  const second = new Date(first.getTime() + HOUR_MS);
  await using it = await open({ metrics, notAfter: first });
  const expiry = async () => (await metrics.getSingleMetric("tls_certificate_expiry_timestamp_seconds")?.get())?.values[0]?.value;

  expect(await expiry()).toBe(first.getTime() / 1_000);
  expect(it.credentials.notAfter).toEqual(first);

  await authority.folder("dummy", { folder: it.folder, notAfter: second });
  await it.credentials.reload();

  expect(await expiry()).toBe(second.getTime() / 1_000);
  expect(it.credentials.notAfter).toEqual(second);
  expect(it.logs.with({ msg: RENEWED })).toMatchObject([
    { level: 30, identity: "spiffe://bookmesh.local/dummy", notAfter: second.toISOString() },
  ]);
});

test("says nothing of files that stay the same", async () => {
  await using it = await open();

  await it.credentials.reload();
  await it.credentials.reload();

  expect(it.logs.all).toEqual([]);
});

const breakages: readonly [what: string, problem: string, spoil: (folder: string) => Promise<unknown>][] = [
  ["is not there", "tls.key does not exist", (folder) => rm(join(folder, "tls.key"))],
  ["is none", "tls.crt holds no certificate in PEM", (folder) => rewrite(folder, "tls.crt", "hello")],
  ["is of a stranger", "tls.crt was issued by nobody in ca.crt", (folder) => stranger.folder("dummy", { folder, ca: ours() })],
  [
    "has expired",
    "tls.crt has expired at",
    (folder) => authority.folder("dummy", { folder, notAfter: new Date(Date.now() - MINUTE_MS) }),
  ],
  [
    "is not valid yet",
    "tls.crt is not valid before",
    (folder) => authority.folder("dummy", { folder, notBefore: new Date(Date.now() + MINUTE_MS) }),
  ],
  [
    "has another key",
    "tls.key is not the key of tls.crt",
    async (folder) => rewrite(folder, "tls.key", (await authority.issue("dummy")).keyPem),
  ],
  [
    "is of somebody else",
    "is of spiffe://bookmesh.local/push now: this process is spiffe://bookmesh.local/dummy",
    (folder) => authority.folder("push", { folder }),
  ],
  [
    "is of another mesh",
    "is of spiffe://elsewhere.local/dummy now: this process is spiffe://bookmesh.local/dummy",
    (folder) => authority.folder("dummy", { folder, trustDomain: "elsewhere.local" }),
  ],
];

test.each(breakages)("keeps the old certificate when the new one %s, and says so once", async (_what, problem, spoil) => {
  hurry();
  const metrics = new Registry();
  await using it = await open({ metrics });
  const { notAfter } = it.credentials;

  await spoil(it.folder);
  await failures(metrics, 3);

  expect(it.logs.all).toMatchObject([{ level: 50, msg: NOT_RENEWED, problem: expect.stringContaining(problem) }]);
  expect(it.credentials).toMatchObject({ identity: { name: "dummy" }, notAfter });
  jest.restoreAllMocks();
  await using dummy = await dummyClient({}, { credentials: it.credentials });
  await expect(dummy.client.unary({ text: "hello" })).resolves.toEqual({ text: "hello" });
});

test("says each problem once, and then that it is over", async () => {
  hurry();
  const metrics = new Registry();
  await using it = await open({ metrics });

  await rm(join(it.folder, "tls.key"));
  await failures(metrics, 2);
  await rm(join(it.folder, "tls.crt"));
  await rewrite(it.folder, "tls.key", "hello");
  await failures(metrics, 4);
  await authority.folder("dummy", { folder: it.folder });
  await it.logs.find({ msg: RENEWED });

  const problems = it.logs.all.map(({ problem, msg }) => String(problem ?? msg).replace(`${it.folder}/`, ""));
  expect(problems.at(0)).toBe("tls.key does not exist");
  expect(problems).toContain("tls.crt does not exist");
  expect(problems.at(-1)).toBe(RENEWED);
  expect(new Set(problems).size).toBe(problems.length);
});

test("looks again when files are just being written", async () => {
  await using it = await open();
  const { certificatePem, keyPem } = await authority.issue("dummy");
  const later = globalThis.setTimeout;
  const pause = jest.spyOn(globalThis, "setTimeout").mockImplementationOnce((action) => {
    return later(async () => {
      await rewrite(it.folder, "tls.key", keyPem);
      (action as () => void)();
    });
  });

  await rewrite(it.folder, "tls.crt", certificatePem);
  await it.credentials.reload();

  expect(pause).toHaveBeenCalledTimes(1);
  expect(it.logs.all).toMatchObject([{ msg: RENEWED }]);
});

test("warns once of a certificate that nobody renews, and again of the next one", async () => {
  let now = Date.now();
  await using it = await open({ now: () => new Date(now), notBefore: new Date(now), notAfter: new Date(now + 3 * HOUR_MS) });
  const notAfter = it.credentials.notAfter.toISOString();

  now += 1.9 * HOUR_MS;
  await it.credentials.reload();
  expect(it.logs.all).toEqual([]);

  now += 0.2 * HOUR_MS;
  await it.credentials.reload();
  await it.credentials.reload();
  expect(it.logs.all).toMatchObject([{ level: 40, notAfter, msg: "the certificate expires soon, and nobody has renewed it" }]);

  await authority.folder("dummy", { folder: it.folder, notBefore: new Date(now), notAfter: new Date(now + 3 * HOUR_MS) });
  await it.credentials.reload();
  now += 2.5 * HOUR_MS;
  await it.credentials.reload();
  expect(it.logs.with({ level: 40 })).toHaveLength(2);
});

test("says that a certificate has expired which nobody has renewed", async () => {
  let now = Date.now();
  await using it = await open({ now: () => new Date(now) });

  now += 2 * HOUR_MS;

  await expect(it.credentials.reload()).rejects.toThrow("tls.crt has expired at");
});

test("has the same credentials for all channels to a service", async () => {
  await using it = await open();

  expect(it.credentials.channel("push")).toBe(it.credentials.channel("push"));
  expect(it.credentials.channel("push")).not.toBe(it.credentials.channel("orders"));
});

const services = readdirSync("services").filter((name) => existsSync(`services/${name}/main.ts`));

test.each(services)("%s ends with 64 and a sentence when it has no credentials, before it takes a port", async (service) => {
  expect(await start(service, "/nowhere")).toEqual({
    status: EXIT_BAD_CONFIG,
    output: "",
    errors: [
      "bad configuration",
      "  CREDENTIALS_DIR: /nowhere/ca.crt does not exist",
      `  \`bookmesh certs issue ${service}\` makes credentials; CREDENTIALS_DIR says where they are`,
      "",
    ].join("\n"),
  });
});

test("a service does not start with the credentials of another one", async () => {
  await using authority = await TestAuthority.create();
  const folder = await authority.folder("orders");

  const { status, errors } = await start("push", folder);

  expect(status).toBe(EXIT_BAD_CONFIG);
  expect(errors).toContain(`CREDENTIALS_DIR: ${folder} is of spiffe://bookmesh.local/orders: this is push`);
});

/** Starts a service on a port that is taken. Resolves with what it said when it has ended. */
async function start(service: string, credentials: string) {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const port = String((taken.address() as AddressInfo).port);
  const env = { PATH: process.env.PATH, PORT: port, ADMIN_PORT: port, CREDENTIALS_DIR: credentials };
  const child = spawn(process.execPath, [`services/${service}/main.ts`], { env });
  const [output, errors, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  taken.close();
  return { status, output, errors };
}

type Leaf = NonNullable<Parameters<TestAuthority["folder"]>[1]>;

/** Credentials of the service "dummy". */
async function open(options: Leaf & { metrics?: Registry; now?: () => Date } = {}) {
  const { metrics, now, ...leaf } = options;
  const folder = await authority.folder("dummy", leaf);
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const credentials = await Credentials.open({ folder, logger, ...(metrics && { metrics }), ...(now && { now }) });
  return {
    folder,
    logs,
    credentials,
    /** Opens a connection to a server. @returns the serial numbers of both certificates. */
    async introduce(port: number) {
      const socket: Socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      const secured: TLSSocket = await credentials.secure(socket, "dummy");
      const serials = { own: secured.getX509Certificate()?.serialNumber, peers: secured.getPeerX509Certificate()?.serialNumber };
      secured.destroy();
      return serials;
    },
    async [Symbol.asyncDispose]() {
      credentials.close();
    },
  };
}

/** From now on a second passes in a millisecond, and so do five. */
function hurry(): void {
  const { setTimeout } = globalThis;
  jest.spyOn(globalThis, "setTimeout").mockImplementation((action) => setTimeout(action as () => void, 1));
}

/** Resolves when the files could not be used for so many times. */
async function failures(metrics: Registry, count: number): Promise<void> {
  const counter = metrics.getSingleMetric("tls_certificate_reload_failures_total");
  while (((await counter?.get())?.values[0]?.value ?? 0) < count) await new Promise(setImmediate);
}

/** Writes over a link, not through it. */
async function rewrite(folder: string, file: string, content: string): Promise<void> {
  await rm(join(folder, file), { force: true });
  await writeFile(join(folder, file), content);
}

function ours(): string {
  return authority.root.certificatePem;
}

/** What is said on a stream, as it comes. */
function conversation() {
  let said = Promise.withResolvers<string | undefined>();
  const next = (words: string | undefined) => said.resolve(words);
  async function* texts() {
    while (true) {
      const words = await said.promise;
      if (words === undefined) return;
      said = Promise.withResolvers();
      yield { text: words };
    }
  }
  return { texts: texts(), next, end: () => next(undefined) };
}
