import { markdownTable } from "../../tools/markdown-table.ts";
import { type CaseName, caseNames, cases } from "./cases.ts";
import { type TransportName, transportNames } from "./transports.ts";

export const clientNames = ["grpc-js", "Python"] as const;
export type ClientName = (typeof clientNames)[number];

/** One run of all cases. */
export interface Run {
  readonly client: ClientName;
  readonly transport: TransportName;
}

/** Every client over every transport. */
export const runs: readonly Run[] = clientNames.flatMap((client) => transportNames.map((transport) => ({ client, transport })));

/** The table of docs/interop.md. */
export function table(passed: (name: CaseName, run: Run) => boolean): string {
  const heads = runs.map(({ client, transport }) => `${client}, ${transport}`);
  const rows = caseNames.map((name) => [
    `\`${name}\``,
    cases[name],
    ...runs.map((run) => (passed(name, run) ? "passes" : "**fails**")),
  ]);
  return markdownTable([["case", "what it checks", ...heads], ...rows]);
}
