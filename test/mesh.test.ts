import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@grpc/grpc-js";
import pino from "pino";
import { services } from "../cli/services.ts";
import { type RegistryClient, registryClient } from "../clients/registry.ts";
import type { InstanceState } from "../gen/mesh/registry/v1/instance.ts";
import { CLUSTER, RawClient } from "../services/registry/xds/testing/raw-client.ts";
import { MeshLoad, registriesOf, sharesOf } from "./support/mesh-load.ts";
import { Shop, type ShopProcess } from "./support/shop.ts";

const silent = pino({ level: "silent" });
const MAIN = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

let shop: Shop;
let load: MeshLoad;
beforeAll(async () => {
  shop = await Shop.open({ args: ["--replicas", "recommendations=2,recommendations@v2=1"] });
  load = await MeshLoad.open(registriesOf(shop), await shop.credentials("gateway"));
}, 60_000);
afterAll(async () => {
  await load[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});
afterEach(() => expect(load.failures.splice(0)).toEqual([]));

/** A command of bookmesh. @returns what it printed. */
async function bookmesh(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args, "--data", shop.data]);
  return stdout;
}

/** Asks the registry. Undefined while it does not answer. */
async function ask<T>(question: (client: RegistryClient) => Promise<T>): Promise<T | undefined> {
  const channel = await shop.channel("registry", "operator", registriesOf(shop)[0]);
  try {
    return await question(registryClient(channel, silent));
  } catch {
    return undefined;
  } finally {
    channel.close();
  }
}

/** The instances of recommendations as the registry sees them. */
async function instances(): Promise<InstanceState[]> {
  const answer = await ask((client) => client.getService({ service: "recommendations" }));
  return answer?.service?.instances ?? [];
}

/** Whether our client has taken in endpoints from the registry that runs now. */
async function hasHeardEndpoints(): Promise<boolean> {
  const answer = await ask((client) => client.listClients({}));
  const subscriptions = answer?.clients.find(({ nodeId }) => nodeId === "load-1")?.subscriptions ?? [];
  return subscriptions.some(({ type, acceptedVersion, sentVersion }) => {
    return type === "ClusterLoadAssignment" && sentVersion !== "" && acceptedVersion === sentVersion;
  });
}

async function inEndpoints(): Promise<number[]> {
  return (await instances()).filter((instance) => instance.inEndpoints).map(({ instance }) => instance?.port ?? 0);
}

/** Looks again and again; the test's own time limit ends it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise(setImmediate);
}

function alive(): ShopProcess[] {
  return shop.processesOf("recommendations").filter(({ pid }) => isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Calls until all of them have been connected to. */
async function spread(processes: readonly ShopProcess[]): Promise<void> {
  await until(async () => (await sharesOf(processes, () => load.send(30, 1))).every((share) => share > 0.2));
}

test("three instances get a third of the calls each", async () => {
  const processes = alive();
  expect(processes).toHaveLength(3);
  await spread(processes);

  const shares = await sharesOf(processes, () => load.send(3_000));

  for (const share of shares) expect(Math.abs(share - 1 / 3)).toBeLessThan(0.05 / 3);
});

test("no call is lost when an instance is killed, and its successor takes its share", async () => {
  const [victim, ...others] = alive();
  if (victim === undefined) throw new Error("nobody to kill");

  await load.during(async () => {
    process.kill(victim.pid, "SIGKILL");
    await until(async () => !(await inEndpoints()).includes(victim.port));
    await until(async () => alive().length === 3 && (await inEndpoints()).includes(victim.port));
  });

  const processes = alive();
  expect(processes).toEqual(expect.arrayContaining(others));
  await spread(processes);
}, 30_000);

test("no call is lost when an instance stands still, and it has its share again when it goes on", async () => {
  const [frozen] = alive();
  if (frozen === undefined) throw new Error("nobody to stop");

  await load.during(async () => {
    process.kill(frozen.pid, "SIGSTOP");
    await until(async () => !(await inEndpoints()).includes(frozen.port));
    process.kill(frozen.pid, "SIGCONT");
    await until(async () => (await inEndpoints()).includes(frozen.port));
  });

  await spread(alive());
}, 40_000);

test("calls go on without the registry, and nobody is left out when it is back without memory", async () => {
  const processes = alive();
  await spread(processes);

  const shares = await sharesOf(processes, () =>
    load.during(async () => {
      for (const { pid } of shop.processesOf("registry")) if (isAlive(pid)) process.kill(pid, "SIGKILL");
      await until(hasHeardEndpoints);
      expect(await inEndpoints()).toHaveLength(3);
    }),
  );

  for (const share of shares) expect(share).toBeGreaterThan(0.3);
}, 30_000);

test("a split holds to two in a hundred, and changes while calls go on", async () => {
  const processes = byVersion(alive(), await instances());
  const canaryShare = async (calls: number) => (await sharesOf(processes, () => load.send(calls, 50)))[2] ?? 0;

  expect(await bookmesh("split", "recommendations", "v1=0", "v2=100")).toContain("v2 100%");
  await until(async () => (await canaryShare(100)) === 1);
  expect(await bookmesh("split", "recommendations", "v1=90", "v2=10")).toContain("v2 10%");
  await until(async () => (await canaryShare(100)) < 0.5);

  const share = await canaryShare(10_000);

  await bookmesh("restore", "recommendations");
  expect(share).toBeGreaterThan(0.08);
  expect(share).toBeLessThan(0.12);
  await spread(processes);
}, 60_000);

test("an injected fault hits its share of the calls", async () => {
  await bookmesh("fault", "recommendations", "--abort", "UNAVAILABLE", "--percent", "30");
  await until(async () => !(await load.call()));
  const failed = await load.send(2_000);
  await bookmesh("restore", "recommendations");
  await until(async () => (await load.send(50)) === 0);
  const failures = load.failures.splice(0);

  expect(failed / 2_000).toBeGreaterThan(0.25);
  expect(failed / 2_000).toBeLessThan(0.35);
  expect(new Set(failures)).toEqual(new Set([expect.stringContaining("Fault injected")]));
}, 30_000);

test("an instance that is taken out gets no calls until it is restored", async () => {
  const processes = alive();
  const state = (await instances()).find(({ instance }) => instance?.port === processes[0]?.port);
  const id = state?.instance?.id ?? "";

  await bookmesh("eject", id);
  await until(async () => (await sharesOf(processes, () => load.send(60)))[0] === 0);
  await bookmesh("restore", id);

  await spread(processes);
}, 30_000);

test("a command that makes no sense is refused with the reason", async () => {
  await expect(bookmesh("split", "recommendations", "v1=90", "v2=20")).rejects.toMatchObject({
    code: 65,
    stderr: expect.stringContaining("100"),
  });
  await expect(bookmesh("split", "recommendations", "v1=90", "v9=10")).rejects.toMatchObject({
    code: 65,
    stderr: expect.stringContaining("v9"),
  });
});

test("status tells who is there, and who calls whom", async () => {
  await load.during(() => until(async () => /gateway.*Recommend/.test(await bookmesh("status"))), 1);

  const { services: shown } = JSON.parse(await bookmesh("status", "--json"));
  expect(shown.map(({ name }: { name: string }) => name)).toEqual(services.map(({ name }) => name).toSorted());
}, 30_000);

test("status names a client that refuses what it is told, and why", async () => {
  const credentials = (await shop.credentials("gateway")).channel("registry");
  await using client = new RawClient(new Client(registriesOf(shop)[0] ?? "", credentials));
  client.subscribe(CLUSTER, ["recommendations"]);
  client.refuse(await client.next(), "no such policy here");

  await until(async () => (await bookmesh("status")).includes("no such policy here"));
}, 30_000);

/** Those of version v1 first. */
function byVersion(processes: readonly ShopProcess[], states: readonly InstanceState[]): ShopProcess[] {
  const versionOf = ({ port }: ShopProcess) => states.find(({ instance }) => instance?.port === port)?.instance?.version ?? "";
  return processes.toSorted((a, b) => (versionOf(a) < versionOf(b) ? -1 : 1));
}
