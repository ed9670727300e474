import { decodePageToken, encodePageToken, pageOf } from "../page-token.ts";
import { type Event, eventOf } from "./event.ts";
import type { EventConsumer } from "./event-consumer.ts";
import type { SetAsideRow } from "./event-consumer-tables.ts";

const DEFAULT_PAGE_SIZE = 20;
const LIST = "set-aside-events";

/** Implements bookstore.events.v1.EventConsumerService over a consumer. */
export function eventConsumerHandler<Schema>(consumer: EventConsumer<Schema>) {
  return {
    async getEventConsumer(_request: object) {
      const cursors = (await consumer.state()).map(({ source, position, handledAt, connected, newestPosition, replay }) => ({
        ...{ source, connected, handleTime: handledAt },
        position: BigInt(position),
        newestPosition: BigInt(newestPosition),
        replayPosition: BigInt(replay?.position ?? 0),
        replayUntilPosition: BigInt(replay?.untilPosition ?? 0),
      }));
      return { consumer: consumer.name, cursors, setAsideCount: await consumer.setAside.count() };
    },

    async listSetAsideEvents({ pageSize, pageToken }: { pageSize: number; pageToken: string }) {
      const after = decodePageToken(pageToken, LIST, ["number", "string", "number"]);
      const { page, last } = await pageOf(pageSize || DEFAULT_PAGE_SIZE, (limit) => consumer.setAside.list(after, limit));
      return {
        events: page.map(setAsideEventOf),
        nextPageToken: last === undefined ? "" : encodePageToken([last.set_aside_at_ms, last.source, last.position], LIST),
      };
    },

    async retrySetAsideEvents({ source, eventId }: { source: string; eventId: string }, { signal }: { signal: AbortSignal }) {
      const handledCount = await consumer.setAside.retry({ source, id: eventId }, signal);
      return { handledCount, setAsideCount: await consumer.setAside.count() };
    },

    async dropSetAsideEvent({ source, eventId }: { source: string; eventId: string }) {
      await consumer.drop({ source, id: eventId });
      return {};
    },

    async replayEvents({ source, since }: { source: string; since: Date | undefined }) {
      await consumer.replay(source, since ?? new Date(0));
      return {};
    },
  };
}

function setAsideEventOf(row: SetAsideRow) {
  const event: Event = { ...eventOf(row.source, row), data: Buffer.alloc(0) };
  return { event, error: row.error, attempts: row.attempts, setAsideTime: new Date(row.set_aside_at_ms) };
}
