import { once } from "node:events";
import { PassThrough } from "node:stream";
import { isAbortError } from "abort-controller-x";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { decodeJwt } from "jose";
import { ClientError } from "nice-grpc-common";
import type { PushClient } from "../../../clients/push.ts";
import type { Logger } from "../../../runtime/logger.ts";
import { text } from "./form-schema.ts";
import { leaving } from "./leaving.ts";
import { OpenStreams, type StreamLimits } from "./open-streams.ts";
import { viewOf } from "./pages/notifications.ts";
import { type SignedIn, visitorOf } from "./visitor.ts";

export interface NotificationStreamDeps {
  push: Pick<PushClient, "subscribe" | "listNotifications">;
  /** The default is 4 for each user and 1,000 in all. */
  streamLimits?: StreamLimits | undefined;
  /** How often a reader hears that the connection lives. The default is 10 seconds: less than connections may be silent. */
  heartbeatMs?: number | undefined;
  logger: Pick<Logger, "error">;
  /** Milliseconds since the epoch. */
  now(): number;
}

const DEFAULT_LIMITS: StreamLimits = { perUser: 4, inAll: 1_000 };
const HEARTBEAT_MS = 10_000;
/** As long as push sends one. */
const STREAM_MS = 3_600_000;
/** When a browser comes back to a stream that has ended. */
const RETRY_MS = 5_000;
const TOO_MANY_SECONDS = 60;

/**
 * The notifications of a user as they come, by Server-Sent Events: first those
 * after the last one that the page has. A browser that comes back says itself
 * which one that was (Last-Event-ID).
 *
 * It ends when the access token does, and the browser comes back with a new one
 * if the session goes on.
 */
export function notificationStream(app: FastifyInstance, deps: NotificationStreamDeps): void {
  const { push, now, logger, streamLimits = DEFAULT_LIMITS, heartbeatMs = HEARTBEAT_MS } = deps;
  const streams = new OpenStreams(streamLimits);
  // Before the server waits for the answers that it is sending: these have no end of their own.
  app.addHook("preClose", async () => streams.stop());

  const schema = { querystring: { type: "object", properties: { after: { ...text, pattern: "^[0-9]{0,15}$" } } } };
  const config = { deadlineMs: STREAM_MS, bare: true };
  app.get<{ Querystring: { after: string } }>("/notifications/stream", { schema, config }, async (request, reply) => {
    const visitor = visitorOf(request);
    reply.header("cache-control", "no-store");
    if (visitor.kind !== "signed in") {
      return reply
        .status(visitor.kind === "guest" ? 401 : 503)
        .type("text/plain")
        .send("Sign in first.\n");
    }
    const place = streams.enter(visitor.userId);
    if (place === undefined) {
      return reply.status(429).header("retry-after", TOO_MANY_SECONDS).type("text/plain").send("Too many are open.\n");
    }
    const expired = new AbortController();
    const signal = AbortSignal.any([leaving(reply), expired.signal, place.stopping]);

    const out = new PassThrough();
    out.write(`retry: ${RETRY_MS}\n\n`);
    const beat = setInterval(() => !out.writableNeedDrain && out.write(":\n\n"), heartbeatMs);
    const expiry = setTimeout(() => expired.abort(), Math.max(0, lifeOf(visitor) - now()));
    const send = async () => {
      const { userId } = visitor;
      const afterNotificationId = lastSeen(request) ?? (await newest(userId, signal));
      for await (const { notification } of push.subscribe({ userId, afterNotificationId }, { signal })) {
        if (notification === undefined) continue;
        const event = `id: ${notification.id}\ndata: ${JSON.stringify(viewOf(notification))}\n\n`;
        if (!out.write(event)) await once(out, "drain", { signal });
      }
    };
    send()
      .catch((error: unknown) => {
        // The browser comes back by itself, and the client has logged it.
        if (!isAbortError(error) && !(error instanceof ClientError)) logger.error({ err: error }, "could not send notifications");
      })
      .finally(() => {
        clearInterval(beat);
        clearTimeout(expiry);
        place.leave();
        out.end();
      });
    return reply.type("text/event-stream; charset=utf-8").headers({ connection: "close", "x-accel-buffering": "no" }).send(out);
  });

  async function newest(userId: string, signal: AbortSignal): Promise<bigint> {
    const { notifications } = await push.listNotifications({ userId, pageSize: 1 }, { signal });
    return notifications[0]?.id ?? 0n;
  }
}

/** Until when the access token of a visitor is good, in milliseconds since the epoch. */
function lifeOf({ accessToken }: SignedIn): number {
  return (decodeJwt(accessToken).exp ?? 0) * 1_000;
}

/** The id of the last notification that the browser has. */
function lastSeen(request: FastifyRequest): bigint | undefined {
  const { "last-event-id": header } = request.headers;
  const { after } = request.query as { after: string };
  const id = typeof header === "string" && /^\d{1,15}$/.test(header) ? header : after;
  return id === "" ? undefined : BigInt(id);
}
