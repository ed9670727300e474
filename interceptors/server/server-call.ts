import type { IncomingHttpHeaders } from "node:http2";
import type { ServerInterceptor as GrpcServerInterceptor, Metadata, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { Status } from "nice-grpc-common";
import { type CallContext, runInCall } from "../../runtime/call-context.ts";
import type { MethodContract } from "../../runtime/contracts.ts";
import type { EndUser } from "../../runtime/end-user.ts";
import type { Identity } from "../../runtime/spiffe.ts";
import { startTrace, type TraceContext } from "../../runtime/trace-context.ts";
import type { FairBudget } from "./fair-budget.ts";
import { checkFraming, endRequest } from "./framing.ts";
import { arrival } from "./front-door.ts";
import type { Inside } from "./grpc-inside.ts";
import type { CallStatus, ServerInterceptor } from "./interceptor.ts";
import { SMALL_BYTES, UnreadResponses } from "./unread-responses.ts";

type Listener = Parameters<ServerInterceptingCallInterface["start"]>[0];

const CANCELLED: CallStatus = { code: Status.CANCELLED, details: "the caller is gone" };

/** What every call of a server shares. */
export interface CallEnvironment {
  /** Outermost first. */
  readonly interceptors: readonly ServerInterceptor[];
  /** The status for an error that an interceptor threw. */
  readonly statusOf: (error: unknown, call: ServerCall) => CallStatus;
  /** The bytes that messages may take. */
  readonly messageMemory: FairBudget;
}

/**
 * One call on its way through the chain.
 *
 * It stands between grpc-js and the handler, sees every event of the call, and
 * is what `currentCall()` returns while the handler runs.
 */
export class ServerCall implements ServerInterceptingCallInterface, CallContext {
  readonly contract: MethodContract;
  /** Milliseconds of performance.now(). */
  readonly startedAt = performance.now();
  readonly peer: string;
  /** As they were sent. */
  readonly headers: IncomingHttpHeaders;
  /** Undefined if the caller has proven no identity of this mesh. */
  readonly caller: Identity | undefined;
  /** The same text for all calls of one caller; of a caller without identity, for those on one connection. */
  readonly callerKey: string;
  /** When the proof expires, in milliseconds since the epoch. */
  readonly callerValidUntil: number;
  user: EndUser | undefined;
  userToken: string | undefined;
  /** The request metadata. */
  metadata: Metadata | undefined;
  trace: TraceContext = NOT_TRACED;
  deadline = Number.POSITIVE_INFINITY;

  readonly #call: ServerInterceptingCallInterface;
  readonly #environment: CallEnvironment;
  readonly #send: ServerInterceptingCallInterface["sendStatus"];
  /** How many interceptors have started: those are the ones that finish. */
  #started = 0;
  #finished = false;
  #handling = false;
  #settled = false;
  /** Of a unary call only if it is large: to make one for each call shows in the benchmark. */
  #responses: UnreadResponses | undefined;

  constructor(call: ServerInterceptingCallInterface, contract: MethodContract, environment: CallEnvironment) {
    this.contract = contract;
    this.#call = call;
    const seen = arrival();
    this.peer = seen?.peer ?? call.getPeer();
    this.headers = seen?.headers ?? {};
    this.caller = seen?.caller.identity;
    this.callerKey = this.caller?.name ?? this.peer;
    this.callerValidUntil = seen?.caller.validUntil ?? 0;
    this.#environment = environment;
    this.#send = call.sendStatus.bind(call);
    // grpc-js ends some calls itself (deadline, malformed or oversized messages)
    // and asks no interceptor. It does so through this method of its own call.
    call.sendStatus = (status) => this.sendStatus(status);
    checkFraming(call);
    if (contract.kind === "server_streaming" || contract.kind === "bidi_streaming") this.#responses = this.#unreadResponses();
  }

  get path(): string {
    return this.contract.path;
  }

  /** The call as grpc-js has it. */
  get inside(): Inside {
    return this.#call as unknown as Inside;
  }

  /** Whether its status has been sent, or its caller is gone. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Resolves when a stream may make another response. Undefined: it may. @param made how many it has made. */
  roomForResponse(made: number): Promise<void> | undefined {
    return this.#responses?.room(made);
  }

  /** Ends the call with the status for an error. */
  fail(error: unknown): void {
    this.end(this.#environment.statusOf(error, this));
  }

  /** Ends the call from the server's side, whatever its handler is doing. */
  end(status: CallStatus): void {
    if (this.#finished) return;
    const { interceptors } = this.#environment;
    let sent = status;
    for (let i = interceptors.length - 1; i >= 0; i--) sent = interceptors[i]?.status?.(this, sent) ?? sent;
    this.#finish(sent);
    this.#send({ code: sent.code, details: sent.details, metadata: sent.metadata ?? null });
    endRequest(this.#call);
  }

  /** The handler has begun. */
  handlerStarted(): void {
    this.#handling = true;
  }

  /** The handler has returned, thrown, or been left. */
  handlerEnded(): void {
    this.#handling = false;
    this.#settle();
  }

  start(listener: Listener): void {
    const { kind } = this.contract;
    // grpc-js calls the handler of a single request when all of it has come: nothing that comes before works for the call.
    const single = kind === "unary" || kind === "server_streaming";
    const tell = single ? (action: () => void) => action() : (action: () => void) => runInCall(this, action);
    this.#call.start({
      onReceiveMetadata: (metadata) => {
        this.metadata = metadata;
        this.#startChain(() => tell(() => listener.onReceiveMetadata(metadata)));
      },
      onReceiveMessage: (message) => {
        if (this.#checkMessage(message)) tell(() => listener.onReceiveMessage(message));
      },
      onReceiveHalfClose: () => {
        if (!this.#finished) runInCall(this, () => listener.onReceiveHalfClose());
      },
      onCancel: () => {
        // grpc-js also says "cancel" after a status has been sent.
        this.#finish(CANCELLED);
        listener.onCancel();
      },
    });
  }

  sendMetadata(metadata: Metadata): void {
    if (!this.#finished) this.#call.sendMetadata(metadata);
  }

  sendMessage(message: unknown, callback: () => void): void {
    // Writing behind a status would be an error on the stream that nobody hears.
    if (this.#finished) {
      callback();
      return;
    }
    const responses = this.#responses;
    if (responses !== undefined) {
      this.#call.sendMessage(message, () => {
        responses.read();
        callback();
      });
      responses.written();
      return;
    }
    this.#call.sendMessage(message, callback);
    if (this.inside.stream.writableLength <= SMALL_BYTES) return;
    this.#responses = this.#unreadResponses();
    this.#responses.written();
  }

  sendStatus(status: Parameters<ServerInterceptingCallInterface["sendStatus"]>[0]): void {
    this.end({ code: status.code ?? Status.UNKNOWN, details: status.details ?? "", metadata: status.metadata });
  }

  startRead(): void {
    this.#call.startRead();
  }
  getPeer(): string {
    return this.peer;
  }
  /** The deadline that the caller sent, in milliseconds since the epoch; Infinity if none. */
  getDeadline(): number {
    return Number(this.#call.getDeadline());
  }
  getHost(): string {
    return this.#call.getHost();
  }
  getAuthContext(): ReturnType<ServerInterceptingCallInterface["getAuthContext"]> {
    return this.#call.getAuthContext();
  }
  getConnectionInfo(): ReturnType<ServerInterceptingCallInterface["getConnectionInfo"]> {
    return this.#call.getConnectionInfo();
  }
  getMetricsRecorder(): ReturnType<ServerInterceptingCallInterface["getMetricsRecorder"]> {
    return this.#call.getMetricsRecorder();
  }

  /** Starts the links that have not started yet, and then goes on to the handler. */
  #startChain(proceed: () => void): void {
    const { interceptors } = this.#environment;
    let waiting: Promise<void> | undefined;
    const complete = this.#orEnd(() => {
      for (; this.#started < interceptors.length; this.#started++) {
        waiting = interceptors[this.#started]?.start?.(this) ?? undefined;
        if (waiting !== undefined) return;
      }
    });
    if (!complete) return;
    if (waiting === undefined) {
      proceed();
      return;
    }
    waiting.then(
      () => {
        // It may have been ended meanwhile, by its caller or by its deadline.
        if (this.#finished) return;
        this.#started++;
        this.#startChain(proceed);
      },
      (error: unknown) => this.end(this.#environment.statusOf(error, this)),
    );
  }

  #checkMessage(message: object): boolean {
    return this.#orEnd(() => {
      for (const interceptor of this.#environment.interceptors) interceptor.message?.(this, message);
    });
  }

  /** Does it, or ends the call with the status of what it throws. */
  #orEnd(action: () => void): boolean {
    if (this.#finished) return false;
    try {
      action();
      return true;
    } catch (error) {
      this.end(this.#environment.statusOf(error, this));
      return false;
    }
  }

  #finish(status: CallStatus): void {
    if (this.#finished) return;
    this.#finished = true;
    const { interceptors } = this.#environment;
    for (let i = this.#started - 1; i >= 0; i--) interceptors[i]?.finish?.(this, status);
    this.#responses?.finish();
    this.#settle();
  }

  #unreadResponses(): UnreadResponses {
    return new UnreadResponses(this, this.inside.stream, this.#environment.messageMemory);
  }

  #settle(): void {
    if (this.#settled || this.#handling || !this.#finished) return;
    const { stream } = this.inside;
    if (stream.writableLength > 0 && !stream.destroyed) {
      // It takes as much as any other call until that is read or given up.
      stream.once("close", () => this.#settle());
      return;
    }
    this.#settled = true;
    const { interceptors } = this.#environment;
    for (let i = this.#started - 1; i >= 0; i--) interceptors[i]?.settle?.(this);
  }
}

/** Stands in until the trace-context interceptor has run: no call is without a trace. */
const NOT_TRACED = startTrace();

/** The grpc-js interceptor that sends each call of the given contracts through the chain. */
export function interceptCalls(
  contracts: ReadonlyMap<string, MethodContract>,
  environment: CallEnvironment,
): GrpcServerInterceptor {
  return (method, call) => {
    const contract = contracts.get(method.path);
    if (contract === undefined) throw new Error(`no contract for ${method.path}`);
    // grpc-js types what an interceptor returns as its class; it uses the interface.
    return new ServerCall(call, contract, environment) as unknown as ReturnType<GrpcServerInterceptor>;
  };
}
