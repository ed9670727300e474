import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { EndUser } from "../../gen/mesh/policy/v1/policy.ts";
import { decodeDetails, STATUS_DETAILS_KEY } from "../../interceptors/status-details.ts";
import type { MethodContract } from "../../runtime/contracts.ts";
import { CALLER_HEADER } from "../support/plaintext.ts";
import type { FuzzCase, Outcome } from "./case.ts";
import type { Place } from "./target-process.ts";

/** For how long a stream is listened to that may say nothing. */
const LISTEN_MS = 150;
const DEADLINE_MS = 10_000;
/** How much later than its deadline a call may be answered. */
const GRACE_MS = 10_000;

/** With less, Node refuses streams of this side before they get anywhere. */
const ENOUGH_MB = 4_000;

/** Makes calls on one connection to each server, which others share: none of them may break it. */
export class Caller implements Disposable {
  readonly #place: Place;
  readonly #name: string | undefined;
  #session: ClientHttp2Session | undefined;

  /** @param name who calls. The default is somebody who may. */
  constructor(place: Place, name?: string) {
    this.#place = place;
    this.#name = name;
  }

  /** @param expected whether a stream that goes on is left. */
  async call(one: FuzzCase, expected: { stays: boolean }): Promise<Outcome> {
    const startedAt = performance.now();
    if (one.alone) {
      using alone = new Caller(this.#place, this.#name);
      return await alone.call({ ...one, alone: false }, expected);
    }
    const stream = this.#connected().request(this.#headersOf(one), { endStream: false });
    if (one.ended === false) stream.write(one.body);
    else stream.end(one.body);
    const outcome = await outcomeOf(stream, expected.stays);
    return { ...outcome, elapsedMs: performance.now() - startedAt };
  }

  [Symbol.dispose](): void {
    this.#session?.destroy();
  }

  #headersOf({ method, headers }: FuzzCase): OutgoingHttpHeaders {
    const all = { ...headersOf(method.contract, this.#place), "grpc-timeout": `${DEADLINE_MS}m`, ...this.#as(), ...headers };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  #as() {
    return this.#name === undefined ? {} : { [CALLER_HEADER]: this.#name };
  }

  #connected(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = connect(`http://127.0.0.1:${this.#place.port}`, { maxSessionMemory: ENOUGH_MB });
      this.#session.setMaxListeners(0);
      this.#session.on("error", () => {});
    }
    return this.#session;
  }
}

/** What a caller sends that may call the method. */
export function headersOf({ path, callers, endUser }: MethodContract, { tokens }: Pick<Place, "tokens">) {
  return {
    ":method": "POST",
    ":path": path,
    te: "trailers",
    "content-type": "application/grpc",
    // Who registers an instance of "orders" has to be it.
    [CALLER_HEADER]: callers.includes("*") ? "orders" : callers[0],
    ...(endUser === EndUser.END_USER_NONE ? {} : { authorization: `Bearer ${tokens.administrator}` }),
  };
}

async function outcomeOf(stream: ClientHttp2Stream, stays: boolean): Promise<Omit<Outcome, "elapsedMs">> {
  const received: IncomingHttpHeaders[] = [];
  let [hung, left] = [false, false];
  const leave = () => {
    left = true;
    stream.close(constants.NGHTTP2_CANCEL);
    // With something still to be sent it would never be told that it is closed.
    setImmediate(() => stream.destroy());
  };
  const timers = [
    ...(stays ? [setTimeout(leave, LISTEN_MS)] : []),
    setTimeout(() => {
      hung = true;
      stream.destroy();
    }, DEADLINE_MS + GRACE_MS),
  ];
  stream.on("response", (headers) => received.push(headers));
  stream.on("trailers", (headers) => received.push(headers));
  // A stream may go on for ever. One answer is enough.
  stream.once("data", () => stays && leave());
  stream.on("data", () => {});
  stream.on("error", () => {});
  const { session } = stream;
  await new Promise((resolve) => stream.on("close", resolve));
  for (const timer of timers) clearTimeout(timer);

  const last = received.findLast((headers) => "grpc-status" in headers);
  const headerBytes = Math.max(0, ...received.map(sizeOf));
  if (last !== undefined) {
    const details = last[STATUS_DETAILS_KEY];
    const { violations, reason } = decodeDetails(details === undefined ? undefined : Buffer.from(String(details), "base64"));
    return {
      ending: "status",
      status: Number(last["grpc-status"]),
      message: String(last["grpc-message"] ?? ""),
      reason,
      fields: violations.map(({ field }) => field),
      headerBytes,
    };
  }
  if (hung) return { ending: "hang" };
  if (left) return { ending: "open" };
  const http = Number(received[0]?.[":status"] ?? 0);
  if (http !== 0 && http !== 200) return { ending: "http", http, headerBytes };
  if (session === undefined || session.destroyed || session.closed) return { ending: "disconnected" };
  return { ending: "reset", resetCode: stream.rstCode ?? 0 };
}

function sizeOf(headers: IncomingHttpHeaders): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + String(value).length + 32, 0);
}
