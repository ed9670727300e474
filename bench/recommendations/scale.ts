import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { promisify } from "node:util";
import { type RecommendationsService, startRecommendations } from "../../services/recommendations/testing-service.ts";
import { markdownTable } from "../../tools/markdown-table.ts";
import { readCatalogue } from "./catalogue.ts";
import type { Learned } from "./learn-process.ts";

// Usage: node bench/recommendations/scale.ts [readers] [books.csv]. What it measures is in services/recommendations/README.md.

const [readers = "100000", path] = process.argv.slice(2);
const READERS = Number(readers);
const ARGUMENTS = path === undefined ? [readers] : [readers, path];
const CALLS = 2_000;
const ORDERS = 100;
/** As little memory for what is short-lived as the thread that learns has. */
const NODE_OPTIONS = ["--max-semi-space-size=8"];

const ms = (time: number) => `${time < 10 ? time.toFixed(1) : Math.round(time).toLocaleString("en")} ms`;
/** Runs a module of this folder in a process of its own. @returns what it says. */
const run = async (module: string, ...args: string[]) =>
  (await promisify(execFile)(process.execPath, [...NODE_OPTIONS, join(import.meta.dirname, module), ...args])).stdout;

const books = readCatalogue(path);
const folder = await mkdtemp(join(tmpdir(), "bookmesh-bench-"));
try {
  const url = `sqlite:${join(folder, "store.db")}`;
  const purchases = Number(await run("fill-store.ts", url, ...ARGUMENTS));
  const learned: Learned = JSON.parse(await run("learn-process.ts", url, String(ORDERS)));
  await using service = await startRecommendations({ url, books, modelDir: folder });
  const learning = await during(service, service.learned());
  const idle = await during(service, undefined);
  const orders = await during(service, buySome(service));
  const line = (name: string, { p50, p99, loop }: Served) => [name, ms(p50), ms(p99), ms(loop)];
  process.stdout.write(
    `${books.length.toLocaleString("en")} books, ${READERS.toLocaleString("en")} readers, ` +
      `${purchases.toLocaleString("en")} purchases; Node ${process.version}, ${availableParallelism()} cores\n\n` +
      `first learning: ${ms(learned.all)} of CPU time, ${Math.round(learned.memory / 1_024)} MiB; ` +
      `learning from ${ORDERS} orders more: ${ms(learned.orders)} of CPU time\n\n`,
  );
  const rows = [line("first learning", learning), line("nothing to learn", idle), line(`learning from ${ORDERS} orders`, orders)];
  process.stdout.write(
    markdownTable([["RecommendForReader during", "p50", "p99", "longest hold-up of the event loop"], ...rows]),
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Served {
  p50: number;
  p99: number;
  /** How long the loop of the thread that serves was held up, at most. */
  loop: number;
}

/** Asks for recommendations, one call after the other, until the work is done; for some time if there is none. */
async function during(service: RecommendationsService, work: Promise<unknown> | undefined): Promise<Served> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  let done = work === undefined;
  void work?.then(() => {
    done = true;
  });
  const times: number[] = [];
  delay.enable();
  while (!done || (work === undefined && times.length < CALLS)) {
    const calledAt = performance.now();
    await service.client.recommendForReader({ userId: `reader-${(times.length * 7) % READERS}` });
    times.push(performance.now() - calledAt);
  }
  delay.disable();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), loop: delay.max / 1_000_000 };
}

async function buySome({ happenings, learned }: RecommendationsService): Promise<void> {
  for (let i = 0; i < ORDERS; i++) await happenings.buy(`reader-${i * 11}`, [1 + (i % 400)]);
  await learned();
}
