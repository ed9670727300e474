import type { OutgoingHttpHeaders } from "node:http2";
import { Status } from "nice-grpc-common";
import { frame } from "../support/raw-call.ts";
import type { FuzzCase } from "./case.ts";
import { validRequest } from "./message-tree.ts";
import type { FuzzMethod } from "./methods.ts";
import type { Random } from "./random.ts";
import { encode } from "./wire.ts";

/** What Node ends itself: there is no request to answer. */
const RESET_TOO = { endings: ["status", "reset"] as const };

/** Requests of one method that no client of gRPC would begin like this. */
export function headerCases(method: FuzzMethod, random: Random): FuzzCase[] {
  const { path } = method.contract;
  const body = frame(encode(validRequest(method.input, { registry: method.registry, random, variant: 0 })));
  const of = (kind: string, about: string, headers: OutgoingHttpHeaders, rest: Partial<FuzzCase> = {}): FuzzCase => ({
    ...{ kind, about, method, headers, body },
    ...rest,
  });
  const byHttp = (http: number): Partial<FuzzCase> => ({ endings: ["http", "reset"], http });
  const unknown: Partial<FuzzCase> = { statuses: [Status.UNIMPLEMENTED], ...RESET_TOO };
  return [
    ...["text/plain", "application/json", "application/grpc-web", "application/grpc+json", "application/grpcx", "", "*/*"].map(
      (type) => of("content type", type || "empty", { "content-type": type }, byHttp(415)),
    ),
    of("content type", "none", { "content-type": undefined }, byHttp(415)),
    of("content type", "proto", { "content-type": "application/grpc+proto;charset=utf-8" }),
    ...["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "post", "X".repeat(1_000)].map((verb) =>
      of("verb", verb.slice(0, 10), { ":method": verb }, byHttp(405)),
    ),
    ...[
      ...["/", "*", "//", `/${path}`, `${path}/`, path.toLowerCase(), path.slice(1), `${path}?a=b`, `${path}#a`, `${path}%00`],
      ...["/../..", `/./${path}`, "/__proto__/constructor", "/toString/valueOf", `http://a${path}`, encodeURIComponent(path)],
      ...[`/${"a".repeat(10_000)}/b`, "/a".repeat(5_000), "/%ff%fe/%zz"],
    ].map((other) => of("path", other.slice(0, 60), { ":path": other }, unknown)),
    ...["", "1", "S", "-1S", "1.5S", "1s", "123456789S", "1S1S", "1 S", "NaN", "∞", "٣S", "1S,2S"].map((timeout) =>
      of(
        "timeout",
        timeout || "empty",
        { "grpc-timeout": Buffer.from(timeout).toString("latin1") },
        {
          statuses: [Status.INTERNAL],
          ...RESET_TOO,
        },
      ),
    ),
    ...["0S", "0n", "1n", "1u"].map((timeout) =>
      of("timeout", timeout, { "grpc-timeout": timeout }, { allows: [Status.DEADLINE_EXCEEDED] }),
    ),
    ...["99999999H", "99999999S", "99999999n", "00000001H"].map((timeout) =>
      of("timeout", timeout, { "grpc-timeout": timeout }, { allows: [Status.DEADLINE_EXCEEDED] }),
    ),
    of("headers", "binary, and no base64", { "x-a-bin": "!!!é%%%", "grpc-trace-bin": "=", "x-b-bin": "a" }),
    of("headers", "binary, 6 KB", { "x-a-bin": random.bytes(4_500).toString("base64") }),
    of("headers", "a trace that is none", { traceparent: "00-ff-ff-zz", tracestate: ",,,=" }),
    of(
      "headers",
      "a hundred traces",
      { traceparent: Array(100).fill("00-00000000000000000000000000000000-0000000000000000-00") },
      RESET_TOO,
    ),
    of("headers", "bytes beyond ASCII", { "x-a": "café\u00ff\u0080" }, RESET_TOO),
    of("headers", "a hundred of one name", { "x-a": Array(100).fill("b") }, RESET_TOO),
    of(
      "headers",
      "a hundred names",
      Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, "a"])),
      RESET_TOO,
    ),
    of(
      "headers",
      "a thousand names",
      Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`x-${index}`, "a"])),
      RESET_TOO,
    ),
    of("headers", "15 KB in one", { "x-a": "b".repeat(15_000) }, RESET_TOO),
    of("headers", "60 KB in one", { "x-a": "b".repeat(60_000) }, RESET_TOO),
    of("headers", "names of objects", { __proto__x: "a", constructor: "b", "grpc-status": "0", "grpc-message": "ok" }),
    of("headers", "no te", { te: undefined }),
    of(
      "headers",
      "a body of another length",
      { "content-length": "3" },
      {
        // It breaks the rules of HTTP, so the connection may be closed.
        ...{ endings: ["status", "reset", "disconnected"], alone: true },
      },
    ),
    ...["Bearer", "Bearer  ", "bearer x.y.z", "Basic YTpi", `Bearer ${"a".repeat(10_000)}`, "Bearer a,Bearer b", "Bearer é"].map(
      (token) =>
        of(
          "token",
          token.slice(0, 12),
          { authorization: Buffer.from(token).toString("latin1") },
          {
            allows: [Status.UNAUTHENTICATED],
            ...RESET_TOO,
          },
        ),
    ),
  ];
}
