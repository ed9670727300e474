import { AsyncLocalStorage } from "node:async_hooks";
import type { TraceContext } from "./trace-context.ts";

/** What is known about the call that the running code works for. */
export interface CallContext {
  /** "/package.Service/Method" */
  readonly path: string;
  readonly trace: TraceContext;
  /** When the caller stops waiting, in milliseconds since the epoch. */
  readonly deadline: number;
}

const storage = new AsyncLocalStorage<CallContext>();

/** The call that the running code works for. Undefined outside of calls. */
export function currentCall(): CallContext | undefined {
  return storage.getStore();
}

/** Runs `action`, and everything it starts, as work for `call`. */
export function runInCall<T>(call: CallContext, action: () => T): T {
  return storage.run(call, action);
}
