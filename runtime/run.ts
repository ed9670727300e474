import type { Registry } from "prom-client";
import { startAdminServer } from "./admin.ts";
import { watchEventLoop } from "./event-loop.ts";
import type { Health } from "./health.ts";
import { hostAndPort } from "./host-port.ts";
import type { Logger } from "./logger.ts";
import type { Mesh, MeshedServer } from "./mesh.ts";

/** The exit status of a process that cannot get its port (EX_UNAVAILABLE of sysexits.h). */
export const EXIT_PORT_TAKEN = 69;

/** A server as the life of a process needs it. */
export interface RunnableServer {
  /** @returns the port. */
  listen(address: string): Promise<number>;
  /** Refuses new calls and ends open streams with UNAVAILABLE. Resolves when the last call is over. */
  drain(): Promise<void>;
  /** Cuts every call. @returns the paths that were cut. */
  forceShutdown(): readonly string[];
}

/** Something to close when the calls are over: a store, a channel, a web server. */
export interface Closer {
  readonly name: string;
  close(): Promise<void> | void;
}

/** A web server as the life of a process needs it. */
export interface PageServer {
  listen(): Promise<void>;
  /** Accepts no more. Resolves when the last page has been sent. */
  drain(): Promise<void>;
  /** Cuts every connection. */
  cut(): void;
}

export interface RunOptions {
  server: RunnableServer & MeshedServer;
  /** Entered last and left first: calls come only while the server can answer them. */
  mesh?: Mesh;
  host: string;
  /** 0 lets the system choose. */
  port: number;
  adminPort: number;
  health: Health;
  metrics: Registry;
  logger: Logger;
  /** How long calls in flight may take to finish, in milliseconds. */
  shutdownGraceMs: number;
  /** What serves besides the gRPC server: listening after it, drained together with it. */
  pages?: PageServer;
  /** Closed in this order after the last call. */
  closers: readonly Closer[];
}

export interface Running {
  readonly port: number;
  readonly adminPort: number;
  /**
   * Stops in order: NOT_SERVING, out of the mesh, streams ended, calls finished, everything closed.
   *
   * @returns whether no call was cut.
   */
  stop(): Promise<boolean>;
  /** Cuts short a stop that waits for calls. */
  force(): void;
}

/** Starts to serve: listening, health SERVING, registered. The mirror of stop(). */
export async function start(options: RunOptions): Promise<Running> {
  const { server, mesh, health, logger } = options;
  const admin = await startAdminServer({ ...options, port: options.adminPort });
  let port: number;
  try {
    port = await server.listen(hostAndPort(options.host, options.port));
    await options.pages?.listen();
  } catch (error) {
    server.forceShutdown();
    await admin.close();
    throw error;
  }
  await health.start();
  logger.info({ host: options.host, port, adminPort: admin.port }, "listening");
  mesh?.enter(server, port);

  const stopWatching = watchEventLoop(logger);
  const forced = Promise.withResolvers<"forced">();
  return {
    port,
    adminPort: admin.port,
    force: () => forced.resolve("forced"),
    async stop() {
      health.stop();
      await Promise.race([mesh?.leave(), forced.promise]);
      const outcome = await Promise.race([
        Promise.all([server.drain(), options.pages?.drain()]).then(() => "drained" as const),
        grace(options.shutdownGraceMs),
        forced.promise,
      ]);
      if (outcome !== "drained") {
        const cut = server.forceShutdown();
        options.pages?.cut();
        logger.error({ outcome, cut }, "calls were cut");
      }
      const closers = mesh === undefined ? options.closers : [...options.closers, { name: "mesh", close: mesh.close }];
      for (const { name, close } of closers) {
        try {
          await inTime(close());
        } catch (error) {
          logger.error({ err: error, closer: name }, "could not close");
        }
      }
      await admin.close();
      stopWatching();
      return outcome === "drained";
    },
  };
}

/**
 * Runs a service until SIGTERM or SIGINT, then stops it and ends the process:
 * with 0 when every call finished, with 1 when calls were cut, with 69 when a
 * port is taken. A second signal cuts them at once.
 */
export async function runUntilSignal(options: RunOptions): Promise<void> {
  const { logger } = options;
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "uncaught exception");
    process.exit(1);
  });

  // Before anything listens: a signal that comes while the process starts stops it as soon as it has started.
  const started = Promise.withResolvers<Running>();
  let signals = 0;
  const onSignal = async () => {
    signals++;
    if (signals === 1) logger.info("Received shutdown signal");
    const running = await started.promise;
    if (signals > 1) return running.force();
    const complete = await running.stop();
    logger.info(complete ? "Shut down gracefully" : "Shut down by force");
    process.exit(complete ? 0 : 1);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);

  try {
    started.resolve(await start(options));
  } catch (error) {
    const taken = /EADDRINUSE/.test(`${(error as NodeJS.ErrnoException).code} ${error}`);
    logger.fatal({ err: error }, taken ? `a port is taken: choose another with ${PORT_SETTINGS}` : "could not start");
    process.exit(taken ? EXIT_PORT_TAKEN : 1);
  }
}

const PORT_SETTINGS = "PORT, ADMIN_PORT or, where there are pages, HTTP_PORT";
/** A store that does not close must not keep the process. */
const CLOSE_MS = 5_000;

function grace(ms: number): Promise<"grace is over"> {
  return new Promise((resolve) => setTimeout(resolve, ms, "grace is over" as const).unref());
}

async function inTime(closing: Promise<void> | void): Promise<void> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`not closed in ${CLOSE_MS} ms`)), CLOSE_MS).unref();
  });
  await Promise.race([closing, late]);
}
