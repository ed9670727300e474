import type { EventEmitter } from "node:events";
import type { Logger } from "../runtime/logger.ts";
import type { Supervisor } from "./supervisor.ts";

/**
 * Signals this close together are one: on Ctrl-C the terminal sends SIGINT to
 * this process and to npm, and npm sends it on.
 */
const ONE_PRESS_MS = 250;

/**
 * Stops the supervisor on Ctrl-C, on SIGTERM, and when its terminal is gone; at once when asked again.
 *
 * @param options.source emits the signals.
 * @param options.streams what the supervisor writes to.
 */
export function stopOnSignals(
  supervisor: Pick<Supervisor, "stopping" | "stop" | "force">,
  options: {
    log: Logger;
    source?: Pick<EventEmitter, "on">;
    streams?: readonly Pick<EventEmitter, "on">[];
    now?: () => number;
  },
): void {
  const { log, source = process, streams = [process.stdout, process.stderr], now = () => performance.now() } = options;
  let askedAt = Number.NEGATIVE_INFINITY;
  const onSignal = () => {
    if (!supervisor.stopping.aborted) {
      askedAt = now();
      log.info("stopping: calls in flight may finish, Ctrl-C again cuts them");
      void supervisor.stop();
    } else if (now() - askedAt > ONE_PRESS_MS) {
      log.warn("stopping at once");
      supervisor.force();
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) source.on(signal, onSignal);
  // Nobody reads any more: `bookmesh up | head`, for one.
  for (const stream of streams) stream.on("error", () => void supervisor.stop());
}
