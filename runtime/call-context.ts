import { AsyncLocalStorage } from "node:async_hooks";
import type { EndUser } from "./end-user.ts";
import type { Identity } from "./spiffe.ts";
import type { TraceContext } from "./trace-context.ts";

/** What is known about the call that the running code works for. */
export interface CallContext {
  /** "/package.Service/Method" */
  readonly path: string;
  readonly trace: TraceContext;
  /** When the caller stops waiting, in milliseconds since the epoch. */
  readonly deadline: number;
  /** Who calls. Undefined if nobody had to prove it. */
  readonly caller?: Identity | undefined;
  /** The user who stands behind the call, where its contract asks for one. */
  readonly user?: EndUser | undefined;
  /** The access token that came with the call, to be passed on. Verified only where there is a user. */
  readonly userToken?: string | undefined;
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
