import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { pathToFileURL } from "node:url";

/** How to run a service. */
export interface Program {
  readonly name: string;
  /** The file to run. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
  /** How long the program may take to stop, in milliseconds. Then it is killed. */
  readonly killAfterMs: number;
}

/** How a process ended: its exit status, or the signal that ended it. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  /** Never rejects. Resolves when what the process has written has been passed on. */
  readonly ended: Promise<Ending>;
  kill(signal: NodeJS.Signals): void;
}

/** Where the lines of a process go. Both are ended with the process. */
export interface Output {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

const followSupervisor = pathToFileURL(join(import.meta.dirname, "follow-supervisor.ts")).href;
/** A grandchild that has inherited the pipes must not hold up the news that the child has ended. */
const LAST_WORDS_MS = 500;

/** Starts a program, in a process group of its own: Ctrl-C in a terminal reaches the supervisor only. */
export function spawnChild(program: Program, output: Output): Child {
  const child = spawn(process.execPath, ["--import", followSupervisor, program.main], {
    env: program.env,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
  });
  // "pipe" makes both; the types of a four-part stdio do not say so.
  child.stdout?.pipe(output.stdout);
  child.stderr?.pipe(output.stderr);

  const { promise: ended, resolve } = Promise.withResolvers<Ending>();
  child.once("exit", (code, signal) => {
    const lastWords = setTimeout(resolve, LAST_WORDS_MS, { code, signal });
    child.once("close", () => {
      clearTimeout(lastWords);
      resolve({ code, signal });
    });
  });
  child.on("error", (error) => {
    // Also emitted when a signal cannot be sent: only a process that never was has no id.
    if (child.pid !== undefined) return;
    output.stderr.end(`${error.message}\n`);
    resolve({ code: null, signal: null });
  });
  return { ended, kill: (signal) => void child.kill(signal) };
}
