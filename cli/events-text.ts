import type { ConsumerDocument, EventsDocument, LogDocument, UnansweredDocument } from "./events-document.ts";
import { printable } from "./printable.ts";
import { type Column, table } from "./table.ts";
import { timeSpan } from "./time-span.ts";

const LOGS: readonly Column[] = [
  { title: "LOG" },
  { title: "KEPT", align: "right" },
  { title: "LAST", align: "right" },
  { title: "TRANSPORT" },
  { title: "HANDED ON", align: "right" },
  { title: "" },
];
const CONSUMERS: readonly Column[] = [
  { title: "CONSUMER" },
  { title: "LOG" },
  { title: "HANDLED", align: "right" },
  { title: "BEHIND", align: "right" },
  { title: "LAST ONE" },
  { title: "SET ASIDE", align: "right" },
  { title: "" },
];
const SET_ASIDE: readonly Column[] = [
  { title: "SET ASIDE BY" },
  { title: "LOG" },
  { title: "ID" },
  { title: "EVENT" },
  { title: "SUBJECT" },
  { title: "AGE" },
  { title: "TRIES", align: "right" },
  { title: "WHY" },
];

/** The logs, those who handle them, and what could not be handled, for people. */
export function eventsText({ logs, consumers, unanswered }: EventsDocument, now: Date): string {
  const blocks = [
    ...block(LOGS, [...logs.map(logRow), ...unansweredRows(unanswered, "log", LOGS)]),
    ...block(CONSUMERS, [
      ...consumers.flatMap((consumer) => consumerRows(consumer, now)),
      ...unansweredRows(unanswered, "consumer", CONSUMERS),
    ]),
    ...block(
      SET_ASIDE,
      consumers.flatMap((consumer) => setAsideRows(consumer, now)),
    ),
  ];
  if (blocks.length === 0) return "No service that runs now tells of events or handles them.\n";
  return `${printable(blocks.join("\n\n"))}\n`;
}

function block(columns: readonly Column[], rows: readonly string[][]): string[] {
  return rows.length === 0 ? [] : [table(columns, rows).join("\n")];
}

/** Each with its service in the first column, and why in the last one. */
function unansweredRows(
  unanswered: readonly UnansweredDocument[],
  about: UnansweredDocument["about"],
  columns: readonly Column[],
): string[][] {
  return unanswered
    .filter((missing) => missing.about === about)
    .map(({ service, problem }) => [service, ...Array<string>(columns.length - 2).fill(""), `does not answer: ${problem}`]);
}

function logRow({ source, firstPosition, lastPosition, transport, relayedPosition }: LogDocument): string[] {
  const kept = firstPosition === 0 ? 0 : lastPosition - firstPosition + 1;
  return [source, `${kept}`, `${lastPosition}`, transport, relayedPosition === null ? "" : `${relayedPosition}`];
}

function consumerRows({ consumer, sources, setAside }: ConsumerDocument, now: Date): string[][] {
  return sources.map(({ source, position, behind, handleTime, connected, replay }) => {
    const last = handleTime === null ? "never" : `${age(handleTime, now)} ago`;
    const notes = [
      ...(connected ? [] : ["events do not come"]),
      ...(replay === null ? [] : [`replay at ${replay.position} of ${replay.untilPosition}`]),
    ];
    const aside = setAside.filter((event) => event.source === source).length;
    return [consumer, source, `${position}`, `${behind}`, last, `${aside}`, notes.join(", ")];
  });
}

function setAsideRows({ consumer, setAside }: ConsumerDocument, now: Date): string[][] {
  return setAside.map(({ source, id, type, subject, time, attempts, error }) => {
    const name = type.slice(type.lastIndexOf(".") + 1);
    const why = attempts === 0 ? "waits behind another one" : error;
    return [consumer, source, id, name, subject, age(time, now), `${attempts}`, why];
  });
}

function age(time: string, now: Date): string {
  return timeSpan(now.getTime() - Date.parse(time));
}
