import type { Writable } from "node:stream";
import { ClientError } from "nice-grpc-common";
import { CallFailure } from "../clients/call-failure.ts";
import { NoRegistry } from "./ask-registry.ts";
import { BadSettings } from "./bad-settings.ts";
import { AuthorityError } from "./certs/authority-folder.ts";
import { EXIT_BAD_USAGE, EXIT_NO_CERTIFICATES, EXIT_NO_REGISTRY, EXIT_REFUSED } from "./exit-status.ts";
import { printable } from "./printable.ts";
import { NoCredentials } from "./registry-access.ts";
import { SocketTaken } from "./relay-socket.ts";

/** What a command reads and writes besides its arguments. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly rows?: number };
  readonly stderr: Writable;
  /** Aborts when nobody wants to know any more. */
  readonly signal: AbortSignal;
}

/** Those of this process: aborted by Ctrl-C, SIGTERM, and when nobody reads the output. */
export function ownSurroundings(): Surroundings {
  const { env, stdout, stderr } = process;
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());
  stdout.on("error", () => stop.abort());
  return { env, stdout, stderr, signal: stop.signal };
}

/** Thrown for something that is refused before the registry is asked, or because of what it said. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/**
 * Runs a command that talks to a registry or makes certificates. What goes wrong is said in a sentence on standard error, without a stack.
 * To be stopped is nothing wrong.
 *
 * @returns the exit status.
 */
export async function runCommand({ stderr, signal }: Surroundings, command: () => Promise<void>): Promise<number> {
  try {
    await command();
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    const [status, text] = explain(error);
    stderr.write(`${printable(text)}\n`);
    return status;
  }
}

const UNAVAILABLE = [NoRegistry, NoCredentials, SocketTaken];

function explain(error: unknown): [status: number, text: string] {
  if (error instanceof BadSettings) return [EXIT_BAD_USAGE, error.message];
  if (UNAVAILABLE.some((kind) => error instanceof kind)) return [EXIT_NO_REGISTRY, (error as Error).message];
  if (error instanceof AuthorityError) return [EXIT_NO_CERTIFICATES, error.message];
  if (error instanceof Refused) return [EXIT_REFUSED, error.message];
  if (!(error instanceof ClientError)) throw error;
  const violations = (error instanceof CallFailure ? error.violations : [])
    .map(({ field, description }) => `${field} ${description}`)
    // Where there is one violation only, the message often says it already.
    .filter((violation) => !error.details.includes(violation));
  return [EXIT_REFUSED, [error.details, ...violations.map((violation) => `  ${violation}`)].join("\n")];
}
