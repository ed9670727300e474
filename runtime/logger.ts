import pino, { type DestinationStream, type Logger } from "pino";
import { currentCall } from "./call-context.ts";

export type { Logger } from "pino";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export interface LoggerOptions {
  /** The service that writes: the "name" of each line. */
  name: string;
  level: (typeof logLevels)[number];
  /** The default is standard output, written in batches; flushed at the latest every 100 ms and at exit. */
  destination?: DestinationStream;
}

/**
 * A logger that writes one JSON object a line.
 *
 * A line written while a call is worked on carries the trace_id and span_id of
 * that call. Never hand it a message of a contract: messages carry addresses,
 * passwords and tokens.
 */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin() {
        const call = currentCall();
        return call === undefined ? {} : { trace_id: call.trace.traceId, span_id: call.trace.spanId };
      },
    },
    options.destination ?? pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 100 }),
  );
}

/** Resolves when everything logged so far has been written. */
export function flushLogs(logger: Logger): Promise<void> {
  return new Promise((resolve) => logger.flush(() => resolve()));
}
