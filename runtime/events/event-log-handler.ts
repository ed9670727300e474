import { reached } from "../steps.ts";
import type { Event } from "./event.ts";
import type { EventLog } from "./event-log.ts";

/**
 * Implements bookstore.events.v1.EventLogService over the log of a service.
 *
 * @param options.amqpUrl the broker to which the events are handed on, if there is one.
 */
export function eventLogHandler(log: EventLog, options: { amqpUrl?: string | undefined }) {
  return {
    async *followEvents(
      request: { afterPosition: bigint; afterId: string; since: Date | undefined },
      { signal }: { signal: AbortSignal },
    ): AsyncGenerator<{ events: Event[]; position: bigint; lastPosition: bigint }> {
      const { afterId, since } = request;
      const from = { afterPosition: Number(request.afterPosition), afterId, since };
      for await (const { events, position, lastPosition } of log.follow(from, signal)) {
        if (events.length > 0) reached("events.stream.before-send");
        yield { events: [...events], position: BigInt(position), lastPosition: BigInt(lastPosition) };
        if (events.length > 0) reached("events.stream.sent");
      }
    },

    async getEventLog(_request: object) {
      const { firstPosition, lastPosition, relayedPosition } = await log.state();
      return {
        source: log.source,
        firstPosition: BigInt(firstPosition),
        lastPosition: BigInt(lastPosition),
        transport: options.amqpUrl === undefined ? "stream" : "amqp",
        relayedPosition: options.amqpUrl === undefined ? 0n : BigInt(relayedPosition),
      };
    },
  };
}
