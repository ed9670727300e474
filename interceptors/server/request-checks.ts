import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { Status } from "nice-grpc-common";

/** What grpc-js takes for a call although the protocol has no such call, or answers without telling anybody. */
export interface Refusal {
  /** The HTTP status of what is no request of gRPC at all; 200 where a gRPC status says the rest. */
  readonly http: number;
  readonly status?: Status;
  /** Repeats nothing of what was sent. */
  readonly details: string;
}

// gRPC over HTTP2, "Requests": application/grpc, or with "+" and the format of the messages.
const CONTENT_TYPE = /^application\/grpc(\+proto)?(;.*)?$/;
// The same, "Timeout": at most eight digits and a unit.
const TIMEOUT = /^\d{1,8}[HMSmun]$/;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };
/** What a timer of Node can wait for, 24.8 days: a longer one would fire at once. */
const LONGEST_TIMEOUT_S = 2_147_483;

/**
 * Looks whether a request is a call as the protocol has it, of a method that is there.
 *
 * @param headers a timeout that is longer than timers can be is shortened in them.
 */
export function refusalOf(headers: IncomingHttpHeaders, methods: { has(path: string): boolean }): Refusal | undefined {
  if (headers[":method"] !== "POST") return { http: 405, details: "calls are made by POST" };
  const type = headers["content-type"];
  // Nearly every client sends the first of them.
  if (type !== "application/grpc" && !CONTENT_TYPE.test(type ?? ""))
    return { http: 415, details: "the content type is not application/grpc" };
  const path = headers[":path"] ?? "";
  if (!methods.has(path)) return { http: 200, status: Status.UNIMPLEMENTED, details: "there is no such method" };
  const timeout = headers["grpc-timeout"];
  if (timeout === undefined) return undefined;
  const text = String(timeout);
  if (!TIMEOUT.test(text)) return { http: 200, status: Status.INTERNAL, details: "grpc-timeout is malformed" };
  if (Number.parseInt(text, 10) * (UNIT_MS[text.at(-1) as string] as number) > LONGEST_TIMEOUT_S * 1_000)
    headers["grpc-timeout"] = `${LONGEST_TIMEOUT_S}S`;
  return undefined;
}

/** Answers a request that is refused, and takes no more of it: its stream is closed, whether its caller has ended it or not. */
export function answer(stream: ServerHttp2Stream, { http, status, details }: Refusal): void {
  const trailers = status === undefined ? {} : { "grpc-status": status, "grpc-message": encodeURIComponent(details) };
  const headers = http === 200 ? { "content-type": "application/grpc" } : {};
  stream.respond({ ":status": http, ...headers, ...trailers }, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}
