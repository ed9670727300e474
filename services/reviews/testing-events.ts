import { BookRated, BookRatingRemoved, CommentPosted } from "../../gen/bookstore/events/v1/review_events.ts";
import type { EventType } from "../../runtime/events/event.ts";
import type { ReviewsStore } from "./store.ts";

const TYPES: readonly EventType<unknown>[] = [BookRated, BookRatingRemoved, CommentPosted];

/** What stands in the log: the type of each event, its subject and what it says. */
export async function eventsIn({ store }: { store: ReviewsStore }): Promise<[string, string, unknown][]> {
  const found: [string, string, unknown][] = [];
  for await (const { events, position, lastPosition } of store.log.follow({ afterPosition: 0 }, new AbortController().signal)) {
    for (const { type: name, subject, data } of events) {
      const type = TYPES.find(({ $type }) => $type === name);
      found.push([name.replace("bookstore.events.v1.", ""), subject, type?.decode(data)]);
    }
    if (position === lastPosition) break;
  }
  return found;
}
