import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";

/** What came back on the wire. */
export interface RawAnswer {
  /** The grpc-status. */
  readonly status: number;
  /** The grpc-message, decoded. */
  readonly message: string;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One gRPC call made by hand, for what no client would send. */
export async function rawCall(options: {
  port: number;
  path: string;
  headers?: OutgoingHttpHeaders;
  /** Sent as they are: see frame(). */
  body?: readonly Uint8Array[];
}): Promise<RawAnswer> {
  const session = connect(`http://127.0.0.1:${options.port}`);
  try {
    const request = session.request({
      ":method": "POST",
      ":path": options.path,
      te: "trailers",
      "content-type": "application/grpc",
      ...options.headers,
    });
    let headers: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const parts: Buffer[] = [];
    request.on("response", (received) => {
      headers = received;
    });
    request.on("trailers", (received) => {
      trailers = received;
    });
    request.on("data", (part: Buffer) => parts.push(part));
    const closed = new Promise<void>((resolve, reject) => request.on("close", resolve).on("error", reject));
    for (const part of options.body ?? []) request.write(part);
    request.end();
    await closed;
    // A call that fails before its first response has everything in its headers.
    const ending = "grpc-status" in trailers ? trailers : headers;
    const message = decodeURIComponent(String(ending["grpc-message"] ?? ""));
    return { status: Number(ending["grpc-status"]), message, headers, trailers, body: Buffer.concat(parts) };
  } finally {
    session.destroy();
  }
}

/** A message as it stands on the wire: a flag for compression, its length, its bytes. */
export function frame(message: Uint8Array, compressed: 0 | 1 = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
