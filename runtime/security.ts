import type { IncomingHttpHeaders, ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { ChannelCredentials, ServerCredentials } from "@grpc/grpc-js";
import type { Identity } from "./spiffe.ts";

/** Who is at the other end of a connection. */
export interface Caller {
  /** Undefined if what the caller has proven is nobody of this mesh. */
  readonly identity: Identity | undefined;
  /** When the proof expires, in milliseconds since the epoch. */
  readonly validUntil: number;
}

/** How the connections of a server are secured, and what they prove. */
export interface ServerSecurity {
  readonly credentials: ServerCredentials;
  /** Asked for each connection when it is opened, and for each call; the headers are those of the call. */
  callerOf(session: ServerHttp2Session, headers: IncomingHttpHeaders): Caller;
}

/** How connections to other services are secured. */
export interface ChannelSecurity {
  /** For channels to `service`: whoever answers has to prove that it is that. */
  channel(service: string): ChannelCredentials;
  /**
   * Secures a connection to `service` that is no channel.
   *
   * @throws if whoever answers does not prove that it is the service. The socket is still the caller's to destroy.
   */
  secure(socket: Socket, service: string): Promise<Socket>;
}

/** What a process takes part in the mesh with. */
export interface Security extends ChannelSecurity {
  server(): ServerSecurity;
}
