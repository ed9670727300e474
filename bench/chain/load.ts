import { type ClientHttp2Session, connect } from "node:http2";
import { CONCURRENCY, CONNECTIONS, PATH, requestFrame } from "./call.ts";

// Calls a server from a process of its own, over HTTP/2 alone: a gRPC client
// costs as much as the server does, and would be what is measured.

export interface Load {
  port: number;
  durationMs: number;
}

export interface Calls {
  /** How many were answered with status OK. */
  calls: number;
  elapsedMs: number;
}

const FRAME = requestFrame();
/** What a client of the mesh sends with every call (interceptors/client/, and grpc-js itself). */
const HEADERS = {
  ":method": "POST",
  ":path": PATH,
  "content-type": "application/grpc",
  te: "trailers",
  "user-agent": "grpc-node-js/1.14.7",
  "grpc-accept-encoding": "identity,deflate,gzip",
  "accept-encoding": "identity",
  "grpc-timeout": "2000m",
};

async function run({ port, durationMs }: Load): Promise<Calls> {
  const sessions = Array.from({ length: CONNECTIONS }, () => connect(`http://127.0.0.1:${port}`));
  let calls = 0;
  const startedAt = performance.now();
  const keepCalling = async (session: ClientHttp2Session) => {
    while (performance.now() - startedAt < durationMs) {
      await call(session);
      calls++;
    }
  };
  const perConnection = Array.from({ length: CONCURRENCY / CONNECTIONS });
  await Promise.all(sessions.flatMap((session) => perConnection.map(() => keepCalling(session))));
  const elapsedMs = performance.now() - startedAt;
  for (const session of sessions) session.close();
  return { calls, elapsedMs };
}

let spans = 0;

/** One call. @throws Error for any status but OK. */
function call(session: ClientHttp2Session): Promise<void> {
  const span = (++spans).toString(16).padStart(16, "0");
  return new Promise((resolve, reject) => {
    const stream = session.request({ ...HEADERS, traceparent: `00-${span}${span}-${span}-01` });
    let status: unknown;
    stream.on("trailers", (trailers) => {
      status = trailers["grpc-status"];
    });
    stream.on("error", reject);
    stream.on("close", () => (status === "0" ? resolve() : reject(new Error(`grpc-status ${status}`))));
    stream.resume();
    stream.end(FRAME);
  });
}

process.on("disconnect", () => process.exit());
process.on("message", async (load: Load) => process.send?.(await run(load)));
process.send?.({});
