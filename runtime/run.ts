import type { Registry } from "prom-client";
import { startAdminServer } from "./admin.ts";
import { watchEventLoop } from "./event-loop.ts";
import type { Health } from "./health.ts";
import { flushLogs, type Logger } from "./logger.ts";

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

export interface RunOptions {
  server: RunnableServer;
  host: string;
  /** 0 lets the system choose. */
  port: number;
  adminPort: number;
  health: Health;
  metrics: Registry;
  logger: Logger;
  /** How long calls in flight may take to finish, in milliseconds. */
  shutdownGraceMs: number;
  /** Started once the server listens, before the process says SERVING: the web pages of a storefront, for one. */
  start?: () => Promise<void>;
  /** Closed in this order after the last call. */
  closers: readonly Closer[];
}

export interface Running {
  readonly port: number;
  readonly adminPort: number;
  /**
   * Stops in order: NOT_SERVING, streams ended, calls finished, everything closed.
   *
   * @returns whether no call was cut.
   */
  stop(): Promise<boolean>;
  /** Cuts short a stop that waits for calls. */
  force(): void;
}

/** Starts to serve: listening, then health SERVING. The mirror of stop(). */
export async function start(options: RunOptions): Promise<Running> {
  const { server, health, logger } = options;
  const admin = await startAdminServer({ ...options, port: options.adminPort });
  let port: number;
  try {
    port = await server.listen(`${bracketed(options.host)}:${options.port}`);
    await options.start?.();
  } catch (error) {
    await admin.close();
    throw error;
  }
  await health.start();
  logger.info({ host: options.host, port, adminPort: admin.port }, "listening");

  const stopWatching = watchEventLoop(logger);
  const forced = Promise.withResolvers<"forced">();
  return {
    port,
    adminPort: admin.port,
    force: () => forced.resolve("forced"),
    async stop() {
      health.stop();
      const outcome = await Promise.race([
        server.drain().then(() => "drained" as const),
        grace(options.shutdownGraceMs),
        forced.promise,
      ]);
      if (outcome !== "drained") {
        const cut = server.forceShutdown();
        logger.error({ outcome, cut }, "calls were cut");
      }
      for (const { name, close } of options.closers) {
        try {
          await close();
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
  const end = async (status: number): Promise<never> => {
    await flushLogs(logger);
    process.exit(status);
  };
  process.on("uncaughtException", (error) => {
    logger.fatal({ err: error }, "uncaught exception");
    void end(1);
  });

  const running = await start(options).catch((error: unknown) => {
    const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE" || /EADDRINUSE/.test(String(error));
    logger.fatal({ err: error }, taken ? `a port is taken: choose others with ${PORT_SETTINGS}` : "could not start");
    return end(taken ? EXIT_PORT_TAKEN : 1);
  });

  let stopping = false;
  const onSignal = async () => {
    if (stopping) return running.force();
    stopping = true;
    logger.info("Received shutdown signal");
    const complete = await running.stop();
    logger.info(complete ? "Shut down gracefully" : "Shut down by force");
    await end(complete ? 0 : 1);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

const PORT_SETTINGS = "PORT, ADMIN_PORT";

function grace(ms: number): Promise<"grace is over"> {
  return new Promise((resolve) => setTimeout(resolve, ms, "grace is over" as const).unref());
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
