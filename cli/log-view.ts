import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { styleText } from "node:util";
import pino, { type Logger } from "pino";
import type { Output } from "./child.ts";
import { lineRenderer } from "./line-render.ts";

export const logFormats = ["pretty", "json"] as const;
export type LogFormat = (typeof logFormats)[number];

/** Shows what all processes write, each line with the name of its service. */
export interface LogView {
  /** Where the output of one process of a service goes. */
  outputOf(name: string): Output;
  /** What the supervisor itself has to say. */
  readonly log: Logger;
  /** Something important: people see the text as it is, machines a line with the fields. */
  announce(message: string, fields: object, text: string): void;
}

const OWN_NAME = "bookmesh";
const COLOURS = ["cyan", "magenta", "yellow", "green", "blue", "redBright", "cyanBright", "magentaBright"] as const;
/** A line without an end is cut here, so that it cannot fill the memory. */
const LONGEST_LINE = 1_000_000;

/** Whether to write in colour, by the conventions of no-color.org and force-color.org. */
export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  const force = env.FORCE_COLOR;
  if (force) return force !== "0" && force !== "false";
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}

/** @param options.names of all services: they decide colours and alignment. */
export function createLogView(options: {
  format: LogFormat;
  colour: boolean;
  names: readonly string[];
  stdout: Writable;
  stderr: Writable;
}): LogView {
  const { names, colour, stdout, stderr } = options;
  const width = Math.max(...[OWN_NAME, ...names].map((name) => name.length));
  const styled = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const render = lineRenderer({ colour, dim: (text) => styled("dim", text) });

  const present = (name: string) => {
    if (options.format === "json") return (line: string) => `${line}\n`;
    const index = names.indexOf(name);
    const prefix = styled(index < 0 ? "bold" : (COLOURS[index % COLOURS.length] ?? "cyan"), name.padEnd(width));
    return (line: string) => `${render(line).replaceAll(/^/gm, `${prefix}  `)}\n`;
  };

  const own = present(OWN_NAME);
  const log = pino(
    { name: OWN_NAME, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => void stdout.write(own(line.trimEnd())) },
  );
  return {
    outputOf: (name) => ({ stdout: eachLine(present(name), stdout), stderr: eachLine(present(name), stderr) }),
    log,
    announce(message, fields, text) {
      if (options.format === "json") log.info(fields, message);
      else stdout.write(text);
    },
  };
}

/** A stream that passes each line on as `present` has it. It is as slow as `target` is. */
function eachLine(present: (line: string) => string, target: Writable): Writable {
  const decoder = new StringDecoder("utf8");
  let begun = "";
  const passOn = (lines: readonly string[], done: () => void) => {
    if (lines.length === 0) return done();
    // A closed target is for its owner to notice: the process must be able to go on writing.
    target.write(lines.map(present).join(""), () => done());
  };
  return new Writable({
    write(chunk: Buffer | string, _encoding, done) {
      const lines = (begun + decoder.write(chunk)).split(/\r?\n/);
      begun = lines.pop() ?? "";
      if (begun.length > LONGEST_LINE) lines.push(begun.slice(0, LONGEST_LINE));
      if (begun.length > LONGEST_LINE) begun = "";
      passOn(lines, done);
    },
    final: (done) => passOn(begun === "" ? [] : [begun], done),
  });
}
