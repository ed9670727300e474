import type { DestinationStream } from "pino";
import { CANARY } from "./values.ts";

interface Line {
  readonly level: number;
  readonly msg?: string;
  readonly path?: string;
  readonly err?: { readonly stack?: string };
}

const ERROR = 50;

/** Where the servers of the target log to: nothing is kept, and what should not have been written is told. */
export function watchedLog(options: { secrets(): readonly string[]; trouble(what: string): void }): DestinationStream {
  return {
    write(json) {
      if (json.includes(CANARY) || options.secrets().some((secret) => json.includes(secret))) {
        options.trouble(`a canary in the log: ${json.slice(0, 500)}`);
      }
      const { level, msg, path, err }: Line = JSON.parse(json);
      if (level < ERROR || err === undefined) return;
      // The special cases of the echo throw what they like.
      if (!path?.startsWith("/bookmesh.testing.")) options.trouble(`${msg} ${path ?? ""} ${err.stack ?? ""}`);
    },
  };
}
