import type { EventConsumerClient, EventLogClient } from "../clients/events.ts";
import type { SetAsideEvent } from "../gen/bookstore/events/v1/event_consumer_service.ts";
import { askServices, type NoAnswer } from "./events-answers.ts";
import type { EventService } from "./events-services.ts";

/** What `bookmesh events --json` prints. Programs read it: fields may be added, none renamed. */
export interface EventsDocument {
  logs: LogDocument[];
  consumers: ConsumerDocument[];
  /** What is missing above. */
  unanswered: UnansweredDocument[];
}

export interface LogDocument {
  /** The service whose log it is. */
  source: string;
  /** Of the oldest event that is kept; 0 if there is none. */
  firstPosition: number;
  /** Of the newest event; 0 if there never was one. */
  lastPosition: number;
  /** "stream", or "amqp" for a broker. */
  transport: string;
  /** Up to where a broker has confirmed to have them. null without a broker. */
  relayedPosition: number | null;
}

export interface ConsumerDocument {
  /** The service that handles events. */
  consumer: string;
  sources: SourceDocument[];
  setAside: SetAsideDocument[];
}

export interface SourceDocument {
  source: string;
  /** Up to where each event was handled or set aside. */
  position: number;
  /** How many are still to be handled. */
  behind: number;
  /** When the last one was handled. null if none was. */
  handleTime: string | null;
  /** Whether events come. */
  connected: boolean;
  /** null if none is under way. */
  replay: { position: number; untilPosition: number } | null;
}

export interface SetAsideDocument {
  source: string;
  id: string;
  type: string;
  subject: string;
  time: string;
  position: number;
  /** Why. Empty if it only waits behind another one of its subject. */
  error: string;
  attempts: number;
  setAsideTime: string;
}

export interface UnansweredDocument {
  service: string;
  /** What it was asked for: how its log stands, or what it does with the events of others. */
  about: "log" | "consumer";
  /** Why it has not answered. */
  problem: string;
}

const PAGE_SIZE = 100;

/** How the logs of all services stand, and how far they are handled. */
export async function eventsDocument(services: readonly EventService[], signal: AbortSignal): Promise<EventsDocument> {
  const logs = await askServices(services, ({ log }) => log && logOf(log, signal));
  const lastPositions = new Map(logs.given.map(({ answer }) => [answer.source, answer.lastPosition]));
  const consumers = await askServices(services, ({ consumer }) => consumer && consumerOf(consumer, lastPositions, signal));
  return {
    logs: logs.given.map(({ answer }) => answer),
    consumers: consumers.given.map(({ answer }) => answer),
    unanswered: [...logs.missing.map(unanswered("log")), ...consumers.missing.map(unanswered("consumer"))],
  };
}

function unanswered(about: UnansweredDocument["about"]): (missing: NoAnswer) => UnansweredDocument {
  return ({ service, problem }) => ({ service, about, problem });
}

async function logOf(client: EventLogClient, signal: AbortSignal): Promise<LogDocument> {
  const { source, transport, ...log } = await client.getEventLog({}, { signal });
  return {
    ...{ source, transport },
    firstPosition: Number(log.firstPosition),
    lastPosition: Number(log.lastPosition),
    relayedPosition: transport === "amqp" ? Number(log.relayedPosition) : null,
  };
}

async function consumerOf(
  client: EventConsumerClient,
  lastPositions: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<ConsumerDocument> {
  const { consumer, cursors } = await client.getEventConsumer({}, { signal });
  const sources = cursors.map(({ source, handleTime, connected, ...cursor }) => {
    const position = Number(cursor.position);
    const untilPosition = Number(cursor.replayUntilPosition);
    return {
      ...{ source, position, connected },
      // The log knows best what there is.
      behind: Math.max(0, (lastPositions.get(source) ?? Number(cursor.newestPosition)) - position),
      handleTime: handleTime?.toISOString() ?? null,
      replay: untilPosition === 0 ? null : { position: Number(cursor.replayPosition), untilPosition },
    };
  });
  return { consumer, sources, setAside: (await allSetAside(client, signal)).map(setAsideOf) };
}

async function allSetAside(client: EventConsumerClient, signal: AbortSignal): Promise<SetAsideEvent[]> {
  const found: SetAsideEvent[] = [];
  let pageToken = "";
  do {
    const page = await client.listSetAsideEvents({ pageSize: PAGE_SIZE, pageToken }, { signal });
    found.push(...page.events);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

function setAsideOf({ event, error, attempts, setAsideTime }: SetAsideEvent): SetAsideDocument {
  const { source = "", id = "", type = "", subject = "", time, position = 0n } = event ?? {};
  return {
    ...{ source, id, type, subject, error, attempts },
    time: (time ?? new Date(0)).toISOString(),
    position: Number(position),
    setAsideTime: (setAsideTime ?? new Date(0)).toISOString(),
  };
}
