import { prettyFactory } from "pino-pretty";
import { printable } from "./printable.ts";

/** A line of pino: one JSON object. */
type LogLine = Record<string, unknown> & { level: number };

const WARN = 40;
/** Of use to machines, and on every line. `--log-format json` shows them. */
const NEVER_SHOWN = new Set(["level", "time", "pid", "hostname", "name", "msg", "span_id"]);
/** What else an ordinary line goes without, to stay short. */
const SHOWN_FOR_TROUBLE = new Set(["peer", "trace_id"]);

interface LineStyle {
  readonly dim: (text: string) => string;
  readonly colour: boolean;
}

/**
 * A function that turns one line of a service into what a person reads. A line
 * that is not of pino comes back as it is. The result may have several lines, and has no newline at its end.
 */
export function lineRenderer({ dim, colour }: LineStyle): (line: string) => string {
  const pretty = prettyFactory({
    colorize: colour,
    singleLine: true,
    customColors: "fatal:bgRed,error:red,warn:yellow,info:green,debug:blue,trace:gray,message:reset",
    messageFormat: (log) => String(log.msg ?? ""),
    customPrettifiers: {
      time: () => "",
      // Most lines are of level info: no label lets the others stand out.
      level: (level, _key, log, { labelColorized }) => (Number((log as LogLine).level ?? level) === 30 ? "" : labelColorized),
    },
  });
  return (line) => {
    const log = parse(line);
    if (log === undefined) return line;
    const { text, rest } = inOneLine(log);
    const body = pretty({ level: log.level, msg: text.fields ? `${text.message}  ${dim(text.fields)}` : text.message, ...rest });
    return `${dim(timeOfDay(log.time))} ${body.replace(/ +$/gm, "").trimEnd()}`;
  };
}

function parse(line: string): LogLine | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && typeof (value as LogLine).level === "number"
      ? (value as LogLine)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The message and the plain fields as text; objects, errors among them, are left to pino-pretty. */
function inOneLine(log: LogLine) {
  const fields: string[] = [];
  const rest: Record<string, unknown> = {};
  const call = finishedCall(log);
  for (const [name, value] of Object.entries(log)) {
    if (NEVER_SHOWN.has(name) || call?.told.includes(name)) continue;
    if (SHOWN_FOR_TROUBLE.has(name) && log.level < WARN) continue;
    if (typeof value === "object" && value !== null) rest[name] = value;
    else fields.push(`${name}=${plain(value)}`);
  }
  return { text: { message: call?.message ?? printable(String(log.msg ?? "")), fields: fields.join(" ") }, rest };
}

/** The line that is written for each call gets a shape of its own: it is nearly all that scrolls by. */
function finishedCall({ msg, path, status, durationMs }: LogLine) {
  if (msg !== "call finished" || typeof path !== "string") return undefined;
  const message = `${printable(path).replace(/^\//, "")} ${plain(status)} ${Number(durationMs).toFixed(1)} ms`;
  return { message, told: ["path", "status", "durationMs"] };
}

function plain(value: unknown): string {
  const text = String(value);
  return /[\s"=]/.test(text) ? JSON.stringify(text) : printable(text);
}

function timeOfDay(time: unknown): string {
  const date = new Date(typeof time === "number" || typeof time === "string" ? time : Date.now());
  return Number.isNaN(date.getTime()) ? "--:--:--" : date.toTimeString().slice(0, 8);
}
