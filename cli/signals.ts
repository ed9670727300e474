import type { Logger } from "../runtime/logger.ts";
import type { Supervisor } from "./supervisor.ts";

/**
 * Signals this close together are one: on Ctrl-C the terminal sends SIGINT to
 * this process and to npm, and npm sends it on.
 */
const ONE_PRESS_MS = 250;

/** Stops the supervisor on Ctrl-C, SIGTERM or the end of the terminal; at once when asked again. */
export function stopOnSignals(supervisor: Supervisor, log: Logger): void {
  let askedAt = Number.NEGATIVE_INFINITY;
  const onSignal = () => {
    const now = performance.now();
    if (!supervisor.stopping.aborted) {
      askedAt = now;
      log.info("stopping: calls in flight may finish, Ctrl-C again cuts them");
      void supervisor.stop();
    } else if (now - askedAt > ONE_PRESS_MS) {
      log.warn("stopping at once");
      supervisor.force();
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  // Nobody reads any more: `bookmesh up | head`, for one, or a terminal that is gone.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => void supervisor.stop());
}
