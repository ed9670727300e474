import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createLogger } from "../../runtime/logger.ts";
import { TestAuthority } from "../../test/support/test-authority.ts";
import { testUsers } from "../../test/support/users.ts";
import { startAccounts } from "./accounts.ts";
import { Push } from "./push.ts";
import { Subscribers } from "./subscribers.ts";

// Usage: node bench/push/main.ts [subscriptions]. What it measures and how is in README.md.

const SUBSCRIPTIONS = Number(process.argv[2] ?? 10_000);
const PUSHES = 1_000;
const PUSHES_AT_ONCE = 50;
const IDLE_MS = 10_000;

const logger = createLogger({ name: "bench", level: "silent" });
const print = (text: string) => process.stdout.write(`${text}\n`);
const mib = (bytes: number) => `${(bytes / 1_048_576).toFixed(0)} MiB`;
const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;

/** Measures with so many subscriptions, shared evenly by so many users. @returns a row of the table. */
async function measure(userCount: number): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bookmesh-bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const authority = stack.use(await TestAuthority.create());
  const users = testUsers();
  const accounts = stack.use(await startAccounts(await authority.credentials("register"), users));
  const push = stack.use(
    await Push.start({
      CREDENTIALS_DIR: await authority.folder("push"),
      DATABASE_URL: `sqlite:${join(folder, "push.db")}`,
      REGISTER_HOST: accounts.address,
    }),
  );
  const credentials = await authority.credentials("gateway");
  const subscribers = stack.use(new Subscribers({ port: push.port, credentials, users, logger }));
  const ids = Array.from({ length: userCount }, (_, i) => `${7_000_000 + i}`);

  // The first Notification of each: with it a stream shows that it is open.
  await subscribers.push(ids, PUSHES_AT_ONCE);
  await pause(2_000);
  const before = await push.usage();
  const openedAt = performance.now();
  await subscribers.open(Array.from({ length: SUBSCRIPTIONS }, (_, i) => ids[i % userCount] as string));
  const openedMs = performance.now() - openedAt;
  await pause(2_000);
  const open = await push.usage();
  await pause(IDLE_MS);
  const idle = await push.usage();

  const pushed = ids.slice(0, PUSHES);
  const pushedAt = performance.now();
  const { worstMs, received } = await subscribers.push(pushed, PUSHES_AT_ONCE);
  const deliveredMs = performance.now() - pushedAt;
  const after = await push.usage();
  return [
    `${SUBSCRIPTIONS} of ${userCount} users`,
    seconds(openedMs),
    seconds(open.cpuMs - before.cpuMs),
    mib(before.residentBytes),
    mib(open.residentBytes),
    `${((open.residentBytes - before.residentBytes) / SUBSCRIPTIONS / 1_024).toFixed(1)} KiB`,
    `${(((idle.cpuMs - open.cpuMs) / IDLE_MS) * 100).toFixed(1)}%`,
    `${received}`,
    seconds(deliveredMs),
    seconds(after.cpuMs - idle.cpuMs),
    `${worstMs.toFixed(0)} ms`,
    mib(after.residentBytes),
  ];
}

const columns = [
  ...["subscriptions", "opened in", "CPU for it", "resident before", "with them", "for each", "CPU while idle"],
  ...[`received of ${PUSHES} pushes`, "all after", "CPU for it", "worst push to receipt", "resident after"],
];
print(`Node ${process.versions.node}, ${availableParallelism()} cores\n`);
print(`| ${columns.join(" | ")} |`);
print(`| ${columns.map(() => "---").join(" | ")} |`);
for (const userCount of [SUBSCRIPTIONS / 10, SUBSCRIPTIONS]) print(`| ${(await measure(userCount)).join(" | ")} |`);
process.exit(0);
