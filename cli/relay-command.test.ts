import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Channel, ChannelCredentials } from "@grpc/grpc-js";
import pino from "pino";
import { registryClient } from "../clients/registry.ts";
import { run, temporaryFolder } from "./fixtures/processes.ts";
import { meshData, startRegistry } from "./fixtures/start-registry.ts";
import { testSurroundings } from "./fixtures/surroundings.ts";
import { type RelayOptions, relay } from "./relay-command.ts";

let data: string;
beforeAll(async () => {
  data = await meshData();
});

function start(options: Partial<RelayOptions>) {
  const test = testSurroundings();
  return { ...test, status: relay({ data, ...options }, test.surroundings) };
}

/** The address that a relay prints when it listens. */
async function uriOf({ stdout }: ReturnType<typeof start>): Promise<string> {
  while (!stdout().includes("\n")) await new Promise((resolve) => setTimeout(resolve, 5));
  return stdout().trim();
}

/** Which registry a client finds that speaks no TLS. */
async function registryBehind(uri: string): Promise<string | undefined> {
  // nice-grpc would take a socket for a host.
  const channel = new Channel(uri, ChannelCredentials.createInsecure(), {});
  try {
    const { registry } = await registryClient(channel, pino({ level: "silent" })).listServices({}, { deadlineMs: 5_000 });
    return registry?.id;
  } finally {
    channel.close();
  }
}

test("leads clients without TLS to a registry that has it", async () => {
  await using registry = await startRegistry(data, { id: "first" });
  const running = start({ registry: [registry.address] });

  const uri = await uriOf(running);
  expect(uri).toBe(`unix:${join(data, "relay.sock")}`);
  expect(await registryBehind(uri)).toBe("first");
  expect(running.stderr()).toBe(`Leads to ${registry.address} as spiffe://bookmesh.local/operator. Ctrl-C ends it.\n`);

  running.stop();
  expect(await running.status).toBe(0);
  expect(existsSync(join(data, "relay.sock"))).toBe(false);
});

test("leads to another registry when one is gone", async () => {
  const first = await startRegistry(data, { id: "first" });
  await using second = await startRegistry(data, { id: "second" });
  const running = start({ registry: [first.address, second.address] });
  const uri = await uriOf(running);

  await first[Symbol.asyncDispose]();
  expect(await registryBehind(uri)).toBe("second");

  running.stop();
  await running.status;
});

test("listens where only its user can connect", async () => {
  const socket = join(temporaryFolder(), "mine.sock");
  const running = start({ socket });

  await uriOf(running);
  expect((statSync(socket).mode & 0o777).toString(8)).toBe("600");

  running.stop();
  await running.status;
});

test("takes the place of one that was killed, and of nobody else", async () => {
  const socket = join(temporaryFolder(), "mine.sock");
  const listen = `require("node:net").createServer().listen(${JSON.stringify(socket)}, () => console.log("listening"))`;
  const killed = run(["--eval", listen]);
  await killed.line(({ msg }) => msg === "listening");

  const refused = start({ socket });
  expect(await refused.status).toBe(69);
  expect(refused.stderr()).toBe(`somebody listens on ${socket} already: choose another one with --socket\n`);

  killed.kill("SIGKILL");
  await killed.status;
  const running = start({ socket });
  expect(await uriOf(running)).toBe(`unix:${socket}`);
  running.stop();
  expect(await running.status).toBe(0);
});

test("does not begin where there is something else, or no certificate", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "notes.txt");
  writeFileSync(file, "keep me");
  const [wrong, long, without] = [
    start({ socket: file }),
    start({ socket: join(folder, "x".repeat(100)) }),
    start({ data: folder }),
  ];

  expect(await wrong.status).toBe(64);
  expect(wrong.stderr()).toBe(`${file} is there, and is no socket\n`);
  expect(await long.status).toBe(64);
  expect(long.stderr()).toContain("the path of a socket has");
  expect(await without.status).toBe(69);
  expect(without.stderr()).toContain("`bookmesh certs issue operator`");
});
