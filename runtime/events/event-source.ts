import type { Event } from "./event.ts";

/** Some events of a log, oldest first. */
export interface EventBatch {
  readonly events: readonly Event[];
  /** The position to resume from after this batch. */
  readonly position: number;
  /** The position of the newest event of the log when the batch was made. */
  readonly lastPosition: number;
}

/** Where in a log to begin. */
export interface LogStart {
  /** The position of the last event that the reader has. 0 for all that are kept. */
  readonly afterPosition: number;
  /** The id of that event: whether it is still the same log. Empty, or left out, if the reader does not know it. */
  readonly afterId?: string | undefined;
  /** Only events that happened at this time or later. */
  readonly since?: Date | undefined;
}

/** The log of a service, as others see it. */
export interface EventSource {
  /** The service it happens in. */
  readonly source: string;
  /**
   * Every event after the given position, then each later one.
   *
   * The first batch comes at once, and may be empty.
   *
   * @throws an error with the reason EVENTS_GONE if events after the position are no longer kept, none has that position,
   *   or another one has it: the log was restored to what it was before, and has gone on otherwise since.
   * @throws AbortError when the signal aborts.
   */
  follow(from: LogStart, signal: AbortSignal): AsyncIterable<EventBatch>;
}

/** The reason of a failure: a log cannot go on from where its reader is. */
export const EVENTS_GONE = "EVENTS_GONE";
