import { html } from "ghtml";
import { Health, type Instance, type InstanceState, Protocol } from "../../../../gen/mesh/registry/v1/instance.ts";
import type { ServiceState } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { together } from "../../../../runtime/call-rates.ts";
import { hostAndPort } from "../../../../runtime/host-port.ts";
import { type HealthName, healthName } from "../../../../runtime/registry-names.ts";
import { badge, type Tone } from "./badge.ts";
import { formatLatency, formatRate, formatShare, said, since } from "./format.ts";
import { andMore, type Column, foremost, table } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { name: "Instance" },
  { name: "Version" },
  { name: "Zone" },
  { name: "Weight", kind: "number" },
  { name: "Health" },
  { name: "Endpoints" },
  { name: "Calls/s", kind: "number" },
  { name: "Failed", kind: "number" },
  { name: "p95", kind: "number" },
];

const TONES: Readonly<Record<HealthName, Tone>> = {
  unknown: "neutral",
  healthy: "good",
  unhealthy: "bad",
  unavailable: "bad",
};

/** Why callers are not sent to an instance that nobody has taken out. */
const WHY_OUT: ReadonlyMap<Health, string> = new Map([
  [Health.HEALTH_UNSPECIFIED, "not asked yet"],
  [Health.HEALTH_UNHEALTHY, "unhealthy"],
  [Health.HEALTH_UNAVAILABLE, "unavailable"],
]);

/** The instances of a service: where they are, how they fare, whether calls go to them. */
export function instancesTable({ name, instances }: ServiceState, most: number, now: Date): string {
  if (instances.length === 0) return `<p class="quiet">No instance is registered.</p>`;
  const shown = foremost(instances, most, (state) => !isWell(state));
  return table({
    caption: `Instances of ${name}`,
    columns: COLUMNS,
    rows: shown.flatMap((state) => (state.instance === undefined ? [] : [row(state, state.instance, now)])),
    note: andMore(instances, shown),
  });
}

/** Whether there is nothing to say about an instance. */
export function isWell({ health, inEndpoints }: InstanceState): boolean {
  return health === Health.HEALTH_HEALTHY && inEndpoints;
}

function row(state: InstanceState, instance: Instance, now: Date): string[] {
  const { callsPerSecond, failedShare, p95LatencyMs } = together(state.load?.rates ?? []);
  const reports = state.load !== undefined;
  return [
    html`<code>!${said(instance.id)}</code><span class="quiet">!${said(placeOf(instance))}</span>`,
    said(instance.version),
    said(instance.zone),
    String(instance.weight || 1),
    healthCell(state, now),
    endpointsCell(state),
    reports ? formatRate(callsPerSecond) : "–",
    reports ? failedCell(callsPerSecond, failedShare) : "–",
    formatLatency(p95LatencyMs),
  ];
}

function placeOf({ protocol, address, port }: Instance): string {
  return `${protocol === Protocol.PROTOCOL_HTTP ? "HTTP" : "gRPC"} ${hostAndPort(address, port)}`;
}

function healthCell({ health, problem, lastCheckTime }: InstanceState, now: Date): string {
  const name = healthName(health);
  const why = problem === "" ? "" : html`<span class="problem">!${said(problem)}</span>`;
  return html`!${badge(TONES[name], name)}!${why}<span class="quiet">!${since(lastCheckTime, now, "not asked yet")}</span>`;
}

function endpointsCell({ inEndpoints, ejected, health }: InstanceState): string {
  if (!inEndpoints) {
    const why = ejected ? "ejected by hand" : (WHY_OUT.get(health) ?? "");
    return html`!${badge(ejected ? "warning" : "neutral", "out")}<span class="quiet">${why}</span>`;
  }
  if (health === Health.HEALTH_HEALTHY) return badge("good", "in");
  return html`!${badge("warning", "in")}<span class="quiet">panic: nobody is healthy</span>`;
}

export function failedCell(callsPerSecond: number, failedShare: number): string {
  if (!(callsPerSecond > 0)) return "–";
  return failedShare > 0 ? badge("bad", formatShare(failedShare)) : html`${formatShare(failedShare)}`;
}
