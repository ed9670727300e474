import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { promisify } from "node:util";
import { type RecommendationsService, startRecommendations } from "../../services/recommendations/testing-service.ts";
import { markdownTable } from "../../tools/markdown-table.ts";
import { readCatalogue } from "./catalogue.ts";

// Usage: node bench/recommendations/scale.ts [readers] [books.csv]. What it measures is in services/recommendations/README.md.

const [readers = "100000", path] = process.argv.slice(2);
const READERS = Number(readers);
const ARGUMENTS = path === undefined ? [readers] : [readers, path];
const CALLS = 2_000;
const ORDERS = 100;

const ms = (time: number) => `${time < 10 ? time.toFixed(1) : Math.round(time).toLocaleString("en")} ms`;
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

const books = readCatalogue(path);
const folder = await mkdtemp(join(tmpdir(), "bookmesh-bench-"));
try {
  const url = `sqlite:${join(folder, "store.db")}`;
  // In a process of its own, whose memory is not measured.
  const filling = await promisify(execFile)(process.execPath, [join(import.meta.dirname, "fill-store.ts"), url, ...ARGUMENTS]);
  const purchases = Number(filling.stdout);
  const before = process.memoryUsage().rss;
  await using service = await startRecommendations({ url, books, modelDir: folder });
  const learning = await during(service, service.learned());
  const idle = await during(service, undefined);
  const orders = await during(service, buySome(service));
  const after = process.memoryUsage().rss;
  const line = (name: string, { p50, p99, loop }: Served) => [name, ms(p50), ms(p99), ms(loop)];
  process.stdout.write(
    `${books.length.toLocaleString("en")} books, ${READERS.toLocaleString("en")} readers, ` +
      `${purchases.toLocaleString("en")} purchases; Node ${process.version}, ${availableParallelism()} cores\n\n` +
      `first learning ${ms(learning.learnedInMs)}; learning from ${ORDERS} orders ${ms(orders.learnedInMs)}; ` +
      `memory of the process ${mebibytes(after)} (${mebibytes(before)} before)\n\n`,
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
  /** How long the thread that learns was busy, the last time. */
  learnedInMs: number;
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
  const learnedInMs = Number(service.logs.with({ msg: "learned" }).at(-1)?.durationMs ?? 0);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), loop: delay.max / 1_000_000, learnedInMs };
}

async function buySome({ happenings, learned }: RecommendationsService): Promise<void> {
  for (let i = 0; i < ORDERS; i++) await happenings.buy(`reader-${i * 11}`, [1 + (i % 400)]);
  await learned();
}
