import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/** A server that shows what a client really sends. */
export interface Wire extends AsyncDisposable {
  readonly port: number;
  /** The headers of every call, in the order of their arrival. */
  readonly headers: readonly IncomingHttpHeaders[];
}

/**
 * Listens for gRPC calls on a free port.
 *
 * @param answer what to do with a call. The default ends it with UNAVAILABLE.
 */
export async function listenOnWire(
  answer: (stream: ServerHttp2Stream, attempt: number) => void = (stream) => endWith(stream, 14),
): Promise<Wire> {
  const headers: IncomingHttpHeaders[] = [];
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, received) => {
    headers.push(received);
    stream.on("error", () => {});
    answer(stream, headers.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    headers,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Ends a call with a status and nothing else. */
export function endWith(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": String(status) }, { endStream: true });
}
