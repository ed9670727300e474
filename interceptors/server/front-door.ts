import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Server as NetServer, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { hostAndPort } from "../../runtime/host-port.ts";
import type { Caller, ServerSecurity } from "../../runtime/security.ts";
import type { Connections } from "./connections.ts";

/** What the front door of a server does with what arrives. */
export interface FrontDoorOptions {
  security: ServerSecurity;
  connections: Connections;
  /** Looks at a request before gRPC does. @returns whether it has been answered. */
  refuse(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean;
  /** A connection was given up before it was secured, or is one too many. @param peer "address:port" of whoever opened it. */
  handshakeFailed(error: NodeJS.ErrnoException, socket: TLSSocket, peer: string): void;
}

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => void;

/** What the front door has seen of a call. */
export interface Arrival {
  readonly caller: Caller;
  /** "address:port", read once a connection: Node makes it anew each time. */
  readonly peer: string;
  /** As they were sent: cheaper to look into than what grpc-js makes of them. */
  readonly headers: IncomingHttpHeaders;
}

/** What is known of a call while grpc-js makes it of a stream. */
let arriving: Arrival | undefined;

/** What is known of the call that is being started right now; undefined in a server without a front door. */
export function arrival(): Arrival | undefined {
  return arriving;
}

/**
 * Stands before grpc-js on a port that it listens on: sees what it shows nobody,
 * which is connections that are refused and requests that are no calls of gRPC.
 *
 * grpc-js hands out neither its HTTP/2 server nor the connection of a call. Node
 * tells of each connection that is accepted, and the connection knows its server.
 *
 * @returns takes it away again.
 */
export function openFrontDoor(port: number, options: FrontDoorOptions): () => void {
  const known = new WeakSet<NetServer>();
  const onAccepted = (message: unknown) => {
    const { socket } = message as { socket: Socket & { server?: NetServer } };
    const { server } = socket;
    if (server === undefined) return;
    peers.set(socket, addressOf(socket));
    if (known.has(server)) return;
    known.add(server);
    const address = server.address();
    if (address !== null && typeof address === "object" && address.port === port) guard(server as Http2Server, options);
  };
  subscribe("net.server.socket", onAccepted);
  return () => void unsubscribe("net.server.socket", onAccepted);
}

/** "address:port" of whoever has opened a stream, or "unknown" when it is gone already. */
export function peerOf({ session }: ServerHttp2Stream): string {
  return addressOf(session?.socket);
}

function addressOf(socket: Pick<Socket, "remoteAddress" | "remotePort"> | undefined): string {
  return socket?.remoteAddress === undefined ? "unknown" : hostAndPort(socket.remoteAddress, socket.remotePort ?? 0);
}

/** Who has opened a connection: when it is refused, there is nothing left to ask. */
const peers = new WeakMap<Socket, string>();

/** TLS on top of a connection. */
type Secured = TLSSocket & { readonly _parent?: Socket };

/** The connection is secured, and its client has not asked for HTTP/2 by ALPN. */
const NO_HTTP2: NodeJS.ErrnoException = Object.assign(new Error("no ALPN"), { code: "ERR_SSL_NO_APPLICATION_PROTOCOL" });

const TOO_MANY: NodeJS.ErrnoException = Object.assign(new Error("too many connections"), { code: "TOO_MANY_CONNECTIONS" });

/** Of all callers together. */
const MOST_CONNECTIONS = 8_192;

function guard(server: Http2Server, { security, connections, refuse, handshakeFailed }: FrontDoorOptions): void {
  (server as unknown as NetServer).maxConnections = MOST_CONNECTIONS;
  const fail = (error: Error, socket: Secured) => {
    handshakeFailed(error, socket, (socket._parent && peers.get(socket._parent)) ?? "unknown");
  };
  server.on("tlsClientError", fail);
  server.on("unknownProtocol", (socket: Secured) => {
    fail(NO_HTTP2, socket);
    // Node would keep it for ten seconds, and tell it so in HTTP/1.
    socket.destroy();
  });
  // Who it is and what it has proven is seen to when it is opened: it may be called on much later, if at all.
  server.on("session", (session: ServerHttp2Session) => {
    const { socket } = session;
    const peer = addressOf(socket);
    if (!connections.admit(session, security.callerOf(session, {}))) handshakeFailed(TOO_MANY, socket as TLSSocket, peer);
  });
  const peersOfSessions = new WeakMap<ServerHttp2Session, string>();
  const [callOf] = server.listeners("stream") as StreamListener[];
  if (callOf === undefined) throw new Error("grpc-js does not listen for streams: has it changed?");
  server.removeAllListeners("stream");
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
    // Its peer may have closed it already, and a stream without a listener for errors ends the process with one.
    stream.on("error", ignore);
    if (stream.destroyed || refuse(stream, headers)) return;
    const session = stream.session as ServerHttp2Session;
    let peer = peersOfSessions.get(session);
    if (peer === undefined) {
      peer = addressOf(session.socket);
      peersOfSessions.set(session, peer);
    }
    arriving = { caller: security.callerOf(session, headers), peer, headers };
    try {
      callOf(stream, headers, ...rest);
    } finally {
      arriving = undefined;
    }
  });
}

function ignore(): void {}
