import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pino from "pino";
import { openChannel } from "../../clients/channel.ts";
import { type RegistryClient, registryClient, type TrafficClient, trafficClient } from "../../clients/registry.ts";
import { handledBy, MeshLoad, sharesOf } from "../../test/support/mesh-load.ts";
import { TestAuthority } from "../../test/support/test-authority.ts";
import { Process } from "./process.ts";

// Usage: npm run bench:mesh [seconds of the outage]. What it measures and how is in README.md.

const OUTAGE_MS = Number(process.argv[2] ?? 60) * 1_000;
const CALLS = 10_000;
const LOOK_MS = 10;

const silent = pino({ level: "silent" });
const print = (text: string) => process.stdout.write(`${text}\n`);
const percent = (share: number) => `${(share * 100).toFixed(1)}%`;
let broken = false;

/** One line of the report. */
function report(what: string, found: string, holds: boolean): void {
  broken ||= !holds;
  print(`${holds ? "holds " : "BROKEN"}  ${what.padEnd(62)} ${found}`);
}

/** @returns the milliseconds until it holds. */
async function until(holds: () => Promise<boolean>): Promise<number> {
  const startedAt = performance.now();
  while (!(await holds().catch(() => false))) await pause(LOOK_MS);
  return Math.round(performance.now() - startedAt);
}

const authority = await TestAuthority.create();
const folder = await mkdtemp(join(tmpdir(), "bookmesh-bench-"));
const processes: Process[] = [];
let registries = "";
async function start(service: string, env: Record<string, string> = {}): Promise<Process> {
  const own = {
    DATABASE_URL: `sqlite:${join(folder, `${service}.db`)}`,
    CREDENTIALS_DIR: await authority.folder(service),
    REGISTRIES: registries || "none",
    ...env,
  };
  const started = await Process.start(service, own);
  processes.push(started);
  return started;
}

let registry = await start("registry");
registries = `127.0.0.1:${registry.port}`;
const { port } = registry;
await start("marketplace");
const first = await start("recommendations");
const second = await start("recommendations");
let third = await start("recommendations", { SERVICE_VERSION: "v2" });

const channel = openChannel(registries, { service: "registry", credentials: await authority.credentials("operator") });
const ask: RegistryClient = registryClient(channel, silent);
const traffic: TrafficClient = trafficClient(channel, silent);
const endpoints = async () => {
  const { service } = await ask.getService({ service: "recommendations" });
  return (service?.instances ?? []).filter(({ inEndpoints }) => inEndpoints).map(({ instance }) => instance?.port ?? 0);
};
const load = await MeshLoad.open([registries], await authority.credentials("marketplace"));
const spread = () =>
  until(async () => (await sharesOf([first, second, third], () => load.send(60, 1))).every((share) => share > 0.2));

await until(async () => (await endpoints()).length === 3);
await spread();
load.failures.length = 0;
load.calls = 0;
print(`Node ${process.versions.node}, ${availableParallelism()} cores; three recommendations, one registry, one client\n`);

{
  const shares = await sharesOf([first, second, third], () => load.send(CALLS, 20));
  const worst = Math.max(...shares.map((share) => Math.abs(share * 3 - 1)));
  report(`three instances, ${CALLS} calls: furthest from a third`, percent(worst), worst < 0.05);
}
{
  const victim = third;
  const [outAfter, back] = await load.during(async () => {
    await victim.kill();
    const out = await until(async () => !(await endpoints()).includes(victim.port));
    third = await start("recommendations", { SERVICE_VERSION: "v2", PORT: String(victim.port) });
    return [out, await until(async () => (await handledBy(third)) > 10)];
  });
  report("killed under load: failed calls", ...take(load));
  report("  out of endpoints after", `${outAfter} ms`, outAfter < 10_000);
  report("  its successor has calls, after it listens", `${back} ms`, back < 5_000);
  const shares = await sharesOf([first, second, third], () => load.send(3_000, 20));
  report("  shares of the three afterwards", shares.map(percent).join(", "), Math.min(...shares) > 0.3);
}
{
  const frozen = second;
  const outAfter = await load.during(async () => {
    process.kill(frozen.pid, "SIGSTOP");
    const out = await until(async () => !(await endpoints()).includes(frozen.port));
    process.kill(frozen.pid, "SIGCONT");
    await until(async () => (await endpoints()).includes(frozen.port));
    return out;
  });
  report("standing still under load (SIGSTOP): failed calls", ...take(load));
  report("  out of endpoints after", `${outAfter} ms`, outAfter < 15_000);
}
{
  await load.during(async () => {
    await registry.kill();
    await pause(OUTAGE_MS);
  });
  report(`registry gone for ${OUTAGE_MS / 1_000} s under load: failed calls`, ...take(load));
  let visible = 0;
  await load.during(async () => {
    registry = await start("registry", { PORT: String(port), REGISTRIES: registries });
    const fresh = await start("recommendations", { SERVICE_VERSION: "v1" });
    visible = await until(async () => (await endpoints()).includes(fresh.port));
    await until(async () => (await handledBy(fresh)) > 10);
    await fresh.stop();
    await until(async () => !(await endpoints()).includes(fresh.port));
  });
  report("  back without memory: failed calls", ...take(load));
  report("  a new instance is in endpoints, after it listens", `${visible} ms`, visible < 5_000);
  const shares = await sharesOf([first, second, third], () => load.send(3_000, 20));
  report("  shares of the three afterwards", shares.map(percent).join(", "), Math.min(...shares) > 0.3);
}
{
  const toV2 = (share: number) => [
    { version: "v1", percent: 100 - share },
    { version: "v2", percent: share },
  ];
  await traffic.setSplit({ service: "recommendations", shares: toV2(10) });
  await pause(1_000);
  const [, , canary = 0] = await sharesOf([first, second, third], () => load.send(CALLS, 50));
  report(`split 90/10 over ${CALLS} calls: share of the tenth`, percent(canary), Math.abs(canary - 0.1) < 0.02);
  await traffic.setSplit({ service: "recommendations", shares: toV2(100) });
  const changedAfter = await until(async () => {
    const [handled, sent] = [await handledBy(third), load.calls];
    await load.send(20, 20);
    return (await handledBy(third)) - handled === load.calls - sent;
  });
  report("  another split is in force after", `${changedAfter} ms`, changedAfter < 1_000);
  await traffic.restore({ target: "recommendations" });
}
{
  const fault = { percent: 20, abortCode: 14 };
  await traffic.setFault({ service: "recommendations", fault });
  await pause(1_000);
  load.failures.length = 0;
  const failed = await load.send(CALLS, 50);
  report(`fault 20% over ${CALLS} calls: share that failed`, percent(failed / CALLS), Math.abs(failed / CALLS - 0.2) < 0.02);
  await traffic.restore({ target: "recommendations" });
}

await load[Symbol.asyncDispose]();
channel.close();
for (const one of processes) await one.kill();
await authority[Symbol.asyncDispose]();
await rm(folder, { recursive: true });
process.exit(broken ? 1 : 0);

/** How many calls failed of how many, and whether none did; begins to count anew. */
function take(counted: MeshLoad): [found: string, holds: boolean] {
  const failures = counted.failures.splice(0);
  const text = [`${failures.length} of ${counted.calls.toLocaleString("en")}`, ...new Set(failures)].join("; ");
  counted.calls = 0;
  return [text, failures.length === 0];
}
