import { type ChildProcess, fork } from "node:child_process";
import { on, once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { ClientError, Status } from "nice-grpc-common";
import pino from "pino";
import { Registry } from "prom-client";
import { recommendationsClient } from "../clients/recommendations.ts";
import { BookCategory } from "../gen/bookstore/catalog/v1/book.ts";
import { LoadReport } from "../gen/mesh/registry/v1/registry_service.ts";
import { openPlaintextChannel } from "../test/support/plaintext.ts";
import { Health } from "./health.ts";
import { start } from "./run.ts";

const SLOW_SERVICE = fileURLToPath(new URL("../test/support/slow-service.ts", import.meta.url));
const request = { category: BookCategory.BOOK_CATEGORY_MYSTERY };
const silent = pino({ level: "silent" });

/** A process that serves slow calls. */
class Process {
  readonly child: ChildProcess;
  output = "";
  readonly #exit: Promise<unknown[]>;
  readonly #messages: AsyncIterator<[{ port?: number; waiting?: number }]>;

  constructor(env: Record<string, string> = {}) {
    this.child = fork(SLOW_SERVICE, { env: { PATH: process.env.PATH, PORT: "0", ADMIN_PORT: "0", ...env }, silent: true });
    this.child.stdout?.on("data", (chunk) => {
      this.output += chunk;
    });
    this.child.stderr?.on("data", (chunk) => {
      this.output += chunk;
    });
    this.#messages = on(this.child, "message") as AsyncIterator<[{ port?: number; waiting?: number }]>;
    this.#exit = once(this.child, "close");
  }

  async port(): Promise<number> {
    const { value } = await this.#messages.next();
    return value[0].port;
  }

  async serving(): Promise<void> {
    while (!this.output.includes('"msg":"listening"')) await once(this.child.stdout as NodeJS.ReadableStream, "data");
  }

  async waiting(count: number): Promise<void> {
    while ((await this.#messages.next()).value[0].waiting !== count);
  }

  async exitStatus(): Promise<number> {
    return (await this.#exit)[0] as number;
  }

  get log(): { msg: string; cut?: string[] }[] {
    return this.output
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
  }
}

let process_: Process | undefined;
afterEach(() => process_?.child.kill("SIGKILL"));

test("SIGTERM during 200 calls and 20 streams loses no call, ends the streams with UNAVAILABLE and exits with 0", async () => {
  process_ = new Process();
  const channel = openPlaintextChannel(`127.0.0.1:${await process_.port()}`);
  const client = recommendationsClient(channel, silent);
  const calls = Array.from({ length: 200 }, () => client.recommend(request, { deadlineMs: 10_000 }));
  const streams = Array.from({ length: 20 }, async () => {
    for await (const _ of client.watchRecommendations(request));
  });
  await process_.waiting(220);

  process_.child.kill("SIGTERM");

  expect(await Promise.all(calls)).toHaveLength(200);
  for (const outcome of await Promise.allSettled(streams)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: Status.UNAVAILABLE } });
  }
  expect(await process_.exitStatus()).toBe(0);
  channel.close();
});

test("says when it begins to stop and when it has stopped", async () => {
  process_ = new Process();
  await process_.serving();

  process_.child.kill("SIGINT");

  expect(await process_.exitStatus()).toBe(0);
  const messages = process_.log.map(({ msg }) => msg);
  const begin = messages.indexOf("Received shutdown signal");
  expect(messages.slice(begin)).toEqual(["Received shutdown signal", "health changed", "closed", "Shut down gracefully"]);
});

test("past the grace the calls are cut, named in the log, and the process exits with 1", async () => {
  process_ = new Process({ FINISH: "never", SHUTDOWN_GRACE_MS: "20" });
  const channel = openPlaintextChannel(`127.0.0.1:${await process_.port()}`);
  const call = recommendationsClient(channel, silent).recommend(request, { deadlineMs: 10_000 });
  const outcome = call.catch((error: unknown) => error);
  await process_.waiting(1);

  process_.child.kill("SIGTERM");

  expect(await process_.exitStatus()).toBe(1);
  expect(await outcome).toBeInstanceOf(ClientError);
  expect(process_.log).toContainEqual(
    expect.objectContaining({ msg: "calls were cut", cut: ["/bookstore.recommendations.v1.RecommendationsService/Recommend"] }),
  );
  expect(process_.log.at(-1)).toMatchObject({ msg: "Shut down by force" });
  channel.close();
});

test("a second signal cuts the calls at once", async () => {
  process_ = new Process({ FINISH: "never", SHUTDOWN_GRACE_MS: "3600000" });
  const channel = openPlaintextChannel(`127.0.0.1:${await process_.port()}`);
  const outcome = recommendationsClient(channel, silent)
    .recommend(request, { deadlineMs: 10_000 })
    .catch((error: unknown) => error);
  await process_.waiting(1);

  process_.child.kill("SIGTERM");
  process_.child.kill("SIGINT");

  expect(await process_.exitStatus()).toBe(1);
  expect(await outcome).toBeInstanceOf(ClientError);
  channel.close();
});

test("a signal that comes while the process starts stops it as soon as it has started", async () => {
  // As soon as the process listens for signals, it gets one.
  const code = "process.on(`newListener`,(event)=>event===`SIGINT`&&setImmediate(()=>process.kill(process.pid,`SIGINT`)))";
  process_ = new Process({ NODE_OPTIONS: `--import "data:text/javascript,${code}"` });

  expect(await process_.exitStatus()).toBe(0);
  expect(process_.log.map(({ msg }) => msg).filter((msg) => /shut/i.test(msg))).toEqual([
    "Received shutdown signal",
    "Shut down gracefully",
  ]);
});

test.each(["PORT", "ADMIN_PORT"])("exits with 69 and names the settings when %s is taken", async (setting) => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as { port: number };
  process_ = new Process({ [setting]: String(port) });

  expect(await process_.exitStatus()).toBe(69);
  expect(process_.log.at(-1)?.msg).toBe(
    "a port is taken: choose another with PORT, ADMIN_PORT or, where there are pages, HTTP_PORT",
  );
  holder.close();
});

test("an uncaught exception is logged and ends the process with 1", async () => {
  process_ = new Process({
    NODE_OPTIONS: '--import "data:text/javascript,process.on(`SIGUSR2`,()=>{throw new Error(`planted`)})"',
  });
  await process_.port();

  process_.child.kill("SIGUSR2");

  expect(await process_.exitStatus()).toBe(1);
  expect(process_.log.at(-1)).toMatchObject({ msg: "uncaught exception", err: { message: "planted" } });
});

test("starts in order and stops in the reverse of it, though one thing cannot be closed", async () => {
  const events: string[] = [];
  const health = new Health({ store: async () => void events.push("health checked") }, { logger: silent });
  const running = await start({
    server: {
      listen: async () => events.push("listening"),
      drain: async () => void events.push(`drained, serving: ${health.serving()}`),
      forceShutdown: () => [],
      services: [],
      takeLoad: () => LoadReport.fromPartial({}),
    },
    mesh: {
      id: "test-1",
      enter: () => void events.push(`entered the mesh, serving: ${health.serving()}`),
      leave: async () => void events.push(`left the mesh, serving: ${health.serving()}`),
      close: async () => void events.push("mesh closed"),
    },
    host: "127.0.0.1",
    port: 0,
    adminPort: 0,
    health,
    metrics: new Registry(),
    logger: silent,
    shutdownGraceMs: 1_000,
    pages: {
      listen: async () => void events.push("pages listening"),
      drain: async () => void events.push("pages drained"),
      cut: () => {},
    },
    closers: [
      {
        name: "broken",
        close: () => {
          events.push("first closed");
          throw new Error("cannot close");
        },
      },
      { name: "store", close: () => void events.push("store closed") },
    ],
  });
  expect(health.serving()).toBe(true);

  expect(await running.stop()).toBe(true);

  expect(events).toEqual([
    "listening",
    "pages listening",
    "health checked",
    "entered the mesh, serving: true",
    "left the mesh, serving: false",
    "drained, serving: false",
    "pages drained",
    "first closed",
    "store closed",
    "mesh closed",
  ]);
});
