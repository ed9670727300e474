import pino, { type DestinationStream, type Logger } from "pino";
import { currentCall } from "./call-context.ts";
import { shownError } from "./shown-error.ts";

export type { Logger } from "pino";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export interface LoggerOptions {
  /** The service that writes: the "name" of each line. */
  name: string;
  level: (typeof logLevels)[number];
  /** The default is standard output, written in batches; flushed at the latest every 100 ms and at exit. */
  destination?: DestinationStream;
}

/** Lines are handed on together once there are this many characters of them. */
const BATCH_LENGTH = 16_384;
/** The longest that a line is kept back. */
const BATCH_MS = 100;

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
      timestamp: isoTime,
      serializers: { err: shownError },
      mixin() {
        const call = currentCall();
        return call === undefined ? {} : { trace_id: call.trace.traceId, span_id: call.trace.spanId };
      },
    },
    options.destination ?? standardOutput(),
  );
}

let shared: DestinationStream | undefined;

/** Where all loggers of the process write. */
function standardOutput(): DestinationStream {
  shared ??= batchedOutput();
  return shared;
}

/**
 * Standard output, in batches.
 *
 * pino's own destination batches too, but measures its batch anew for every
 * line, which costs more than making the line does.
 */
function batchedOutput(): DestinationStream & { flush(done?: (error?: Error) => void): void } {
  const stream = pino.destination({ dest: 1, sync: false });
  let batch = "";
  const handOn = () => {
    if (batch === "") return;
    stream.write(batch);
    batch = "";
  };
  setInterval(handOn, BATCH_MS).unref();
  process.on("exit", () => {
    handOn();
    stream.flushSync();
  });
  return {
    write(line) {
      batch += line;
      if (batch.length >= BATCH_LENGTH) handOn();
    },
    flush(done) {
      handOn();
      stream.flush(done);
    },
  };
}

let lastMs = 0;
let lastTime = "";

/** pino's isoTime, made anew only when a millisecond has passed. */
function isoTime(): string {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastTime = `,"time":"${new Date(now).toISOString()}"`;
  }
  return lastTime;
}
