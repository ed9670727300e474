import { html } from "ghtml";
import type { ServiceState } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { callsBetween } from "../../../../runtime/call-rates.ts";
import { formatLatency, formatRate, said } from "./format.ts";
import { failedCell } from "./instances.ts";
import { anchorOf } from "./services.ts";
import { andMore, type Column, table } from "./table.ts";

const MOST_SHOWN = 100;

const COLUMNS: readonly Column[] = [
  { name: "Caller" },
  { name: "Calls" },
  { name: "Method", kind: "wide" },
  { name: "Calls/s", kind: "number" },
  { name: "Failed", kind: "number" },
  { name: "p95", kind: "number" },
];

/** Who calls whom. */
export function callsPart(services: readonly ServiceState[]): string {
  const calls = callsBetween(services);
  const shown = calls.slice(0, MOST_SHOWN);
  const names = new Set(services.map(({ name }) => name));
  const linked = (name: string) => (names.has(name) ? html`<a href="#${anchorOf(name)}">!${said(name)}</a>` : said(name));
  const rows = shown.map(({ caller, service, method, callsPerSecond, failedShare, p95LatencyMs }) => [
    linked(caller),
    linked(service),
    html`<code>!${said(method)}</code>`,
    html`${formatRate(callsPerSecond)}`,
    failedCell(callsPerSecond, failedShare),
    html`${formatLatency(p95LatencyMs)}`,
  ]);
  const content =
    rows.length === 0
      ? `<p class="quiet">No server has reported a call lately.</p>`
      : table({ caption: "Calls in the last ten seconds or so", columns: COLUMNS, rows, note: andMore(calls, shown) });
  return html`<section class="card" aria-labelledby="calls">
<h2 id="calls">Who calls whom</h2>
!${content}</section>
`;
}
