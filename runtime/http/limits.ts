import type { Server } from "node:http";
import type { FastifyHttpOptions } from "fastify";

/** How long a client may take to send the head of a request. */
const HEAD_MS = 3_000;
/** How long it may take to send all of it: bodies are small. */
const REQUEST_MS = 6_000;
/** How long a connection may be silent, also while it does not read what it has asked for. */
const SILENCE_MS = 15_000;
/** How long a connection waits for the next request: longer than the page of the registry waits to look again. */
const KEEP_ALIVE_MS = 5_000;

/** What clients of a web server may take of its time: options for fastify(). Bodies and connections have limits of each server's own. */
export const WEB_LIMITS = {
  requestTimeout: REQUEST_MS,
  connectionTimeout: SILENCE_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  // Node looks for requests that take too long every 30 seconds unless it is told.
  http: { headersTimeout: HEAD_MS, connectionsCheckingInterval: 500, maxHeaderSize: 8_192 },
  forceCloseConnections: "idle",
} as const satisfies FastifyHttpOptions<Server>;
