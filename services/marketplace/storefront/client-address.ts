import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";

/** The IP address of the browser or, where a trusted proxy says no address, that of the proxy. */
export function clientAddressOf({ ip, socket }: FastifyRequest): string {
  return isIP(ip) === 0 ? (socket.remoteAddress ?? "::") : ip;
}
