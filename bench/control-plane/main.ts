import { availableParallelism } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { Child } from "./child.ts";
import { type Change, INSTANCES_A_SERVICE } from "./fleet.ts";
import { Mesh, type Size } from "./mesh.ts";
import { type Burst, burstTable, cpuRatioOf, type Findings, nameOf, type Round, table } from "./report.ts";

// Usage: npm run bench:control-plane. What it measures and how is in README.md.

const SIZES: readonly Size[] = [
  { services: 10, wanted: 10 },
  { services: 100, wanted: 100 },
  { services: 1_000, wanted: 1_000 },
  { services: 1_000, wanted: 10 },
];
const CLIENTS = 200;
const CLIENT_PROCESSES = 2;
/** Many short ones, in turn: whatever else the machine does then falls on all meshes alike. */
const ROUNDS = 10;
const WARM_UP_ROUNDS = 2;
/** An instance goes out, and comes back with the next. */
const CHANGES_A_ROUND = 20;
const IDLE_MS = 5_000;
const BURST_MS = 1_000;
/** How much dearer a change may be where there is a hundred times as much that does not change. */
const LIMIT = 2;
const LONGEST_RUN_MS = 300_000;

const overdue = setTimeout(() => {
  throw new Error(`not done in ${LONGEST_RUN_MS / 1_000} s: a client waits for something that does not come`);
}, LONGEST_RUN_MS);
const clients = await Promise.all(Array.from({ length: CLIENT_PROCESSES }, () => Child.start("./client-process.ts")));
const clientProcesses = clients.map(([child]) => child);

const meshes: { mesh: Mesh; memory: Pick<Findings["memory"], "empty" | "services" | "clients">; start: Findings["start"] }[] = [];
for (const size of SIZES) meshes.push(await launch(size));

const idle = await Promise.all(meshes.map(async ({ mesh }) => (await mesh.spending(() => pause(IDLE_MS)))[1]));
const rounds: Round[][] = meshes.map(() => []);
let changesMade = 0;
for (let i = -WARM_UP_ROUNDS; i < ROUNDS; i++) {
  for (const [column, { mesh }] of meshes.entries()) {
    const round = await makeRound(mesh, idle[column]);
    if (i >= 0) rounds[column]?.push(round);
  }
}

const largest = meshes.map(({ mesh }) => mesh).reduce((most, mesh) => (mesh.size.wanted > most.size.wanted ? mesh : most));
const bursts = [await burst(largest, "taken out", false), await burst(largest, "put in", true)];
const findings = await Promise.all(
  meshes.map(async ({ mesh, memory, start }, column): Promise<Findings> => {
    const measured = { size: mesh.size, start, idle: idle[column] as Findings["idle"], rounds: rounds[column] ?? [] };
    return { ...measured, memory: { ...memory, changes: await mesh.memory() } };
  }),
);
for (const { mesh } of meshes) mesh.stop();
for (const child of clientProcesses) child.stop();
clearTimeout(overdue);

const print = (text: string) => process.stdout.write(`${text}\n`);
print(
  `Node ${process.versions.node}, ${availableParallelism()} cores; ${INSTANCES_A_SERVICE} instances a service; ` +
    `${CLIENTS} clients in ${CLIENT_PROCESSES} processes; ` +
    `${ROUNDS * CHANGES_A_ROUND} changes, one after the other, in ${ROUNDS} rounds\n`,
);
print(table(findings));
print(`\n${burstTable(bursts)}`);
const [smallest, ...larger] = findings as [Findings, ...Findings[]];
const ratios = larger.map((one) => ({ name: nameOf(one), ratio: cpuRatioOf(smallest, one) }));
// Clients that want a part of what there is. What the others cost is in their answers, which name all that they want.
const ofAPart = ratios.at(-1)?.ratio ?? Number.NaN;
const shown = ratios.map(({ name, ratio }) => `${name}: ${ratio.toFixed(2)}`).join(", ");
print(`\nRegistry CPU of a change, against ${nameOf(smallest)}: ${shown}.`);
print(
  `Limit ${LIMIT}, where there is a hundred times as much that nobody has asked for: ${ofAPart <= LIMIT ? "kept" : "BROKEN"}.`,
);
process.exitCode = ofAPart <= LIMIT ? 0 : 1;

/** A registry with services and clients. */
async function launch(size: Size) {
  const mesh = await Mesh.start(size, clientProcesses);
  const empty = await mesh.memory();
  await mesh.register();
  const withServices = await mesh.memory();
  const [delivery, spending] = await mesh.spending(() => mesh.connect(CLIENTS));
  return { mesh, memory: { empty, services: withServices, clients: await mesh.memory() }, start: { ...delivery, ...spending } };
}

async function makeRound(mesh: Mesh, idle: Findings["idle"] | undefined): Promise<Round> {
  const [deliveries, { cpuMs, elapsedMs }] = await mesh.spending(async () => {
    const deliveries: Round["deliveries"][number][] = [];
    for (let i = 0; i < CHANGES_A_ROUND; i++) deliveries.push(await mesh.change([nextChange(mesh.size.wanted)]));
    return deliveries;
  });
  const idleCpuMs = idle === undefined ? 0 : (idle.cpuMs / idle.elapsedMs) * elapsedMs;
  return { deliveries, cpuMsAChange: (cpuMs - idleCpuMs) / CHANGES_A_ROUND };
}

/** Goes from service to service of those that are wanted, and does not stay among neighbours. */
function nextChange(wanted: number): Change {
  const pair = changesMade >> 1;
  return { service: (pair * 37) % wanted, instance: pair % INSTANCES_A_SERVICE, present: changesMade++ % 2 === 1 };
}

async function burst(mesh: Mesh, what: string, present: boolean): Promise<Burst> {
  const changes = Array.from({ length: mesh.size.wanted }, (_, service): Change => ({ service, instance: 0, present }));
  const [delivery, spending] = await mesh.spending(() => mesh.change(changes, BURST_MS));
  return { what, changes: changes.length, delivery, spending };
}
