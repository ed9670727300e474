import type { Calls } from "../runtime/call-rates.ts";
import { printable } from "./printable.ts";
import type { ClientStatus, InstanceStatus, LoadStatus, ServiceStatus, StatusDocument } from "./status-document.ts";
import { table } from "./table.ts";
import { type TextStyle, textStyle } from "./text-style.ts";
import { timeSpan } from "./time-span.ts";
import { rulesInWords } from "./traffic-status.ts";

const MOST_CALLS_SHOWN = 10;

export interface StatusTextOptions {
  colour: boolean;
  now: Date;
}

/** What `bookmesh status` shows to people: lines, each with a newline at its end. */
export function statusText(document: StatusDocument, { colour, now }: StatusTextOptions): string {
  const style = textStyle(colour);
  const sections = [
    [registryLine(document, now)],
    refusals(document.clients, style, now),
    instances(document.services, style, now),
    rules(document.services, style),
    calls(document.calls, style),
    [clientsLine(document.clients)],
  ];
  return `${sections
    .filter((section) => section.length > 0)
    .map((section) => section.join("\n"))
    .join("\n\n")}\n`;
}

function registryLine({ registry }: StatusDocument, now: Date): string {
  const { id, description, address, startTime } = registry;
  const since = startTime === null ? "" : `, up for ${age(startTime, now)}`;
  return `Registry ${clean(id)} at ${address}${since}${description === "" ? "" : `: ${clean(description)}`}`;
}

/** First of all: a client that refuses what the registry sends goes on with what it had, and nobody else says so. */
function refusals(clients: readonly ClientStatus[], style: TextStyle, now: Date): string[] {
  return clients.flatMap(({ nodeId, cluster, subscriptions }) =>
    subscriptions.flatMap(({ type, refusal }) => {
      if (refusal === null) return [];
      const who = `${clean(nodeId)}${cluster === "" ? "" : ` (${clean(cluster)})`}`;
      const when = refusal.time === null ? "" : ` ${age(refusal.time, now)} ago`;
      return [style.bad(`REFUSED by ${who}: ${type} version ${clean(refusal.version)}${when}: ${clean(refusal.reason)}`)];
    }),
  );
}

function instances(services: readonly ServiceStatus[], style: TextStyle, now: Date): string[] {
  if (services.length === 0) return [style.warning("No service is registered.")];
  const columns = [
    ...["SERVICE", "INSTANCE", "ADDRESS", "VERSION", "ZONE", "HEALTH"].map((title) => ({ title })),
    ...["CALLS/S", "FAILED", "P95", "IN FLIGHT"].map((title) => ({ title, align: "right" as const })),
    { title: "CALLERS" },
  ];
  const rows = services.flatMap((service) => {
    if (service.instances.length === 0) return [[service.name, ...Array(9).fill(""), style.bad("none: it has no instance")]];
    return service.instances.map((instance, index) => [
      index === 0 ? service.name : "",
      ...[instance.id, instance.address, instance.version, instance.zone].map(clean),
      health(instance, style, now),
      ...load(instance.load, style),
      callers(instance, service.panic, style),
    ]);
  });
  return table(columns, rows, style.heading);
}

function health({ health, lastCheckTime }: InstanceStatus, style: TextStyle, now: Date): string {
  const colour = { healthy: style.good, unhealthy: style.bad, unavailable: style.bad, unknown: style.warning }[health];
  return `${colour(health)}${lastCheckTime === null ? "" : style.dim(` ${age(lastCheckTime, now)} ago`)}`;
}

/** Whether callers are sent to an instance; if not, or in spite of something, why. */
function callers({ inEndpoints, ejected, problem, health }: InstanceStatus, panic: boolean, style: TextStyle): string {
  const why = ejected ? "ejected" : clean(problem) || (health === "healthy" ? "" : health);
  if (!inEndpoints) return style.bad(why === "" ? "out" : `out: ${why}`);
  if (panic) return style.bad(`in, PANIC: no instance is healthy${why === "" ? "" : ` (${why})`}`);
  return why === "" ? style.good("in") : style.warning(`in: ${why}`);
}

function load(status: LoadStatus | null, style: TextStyle): string[] {
  return status === null ? ["", "", "", ""] : [...rate(status, style), ms(status.p95LatencyMs), String(status.callsInFlight)];
}

function rules(services: readonly ServiceStatus[], style: TextStyle): string[] {
  const rows = services.flatMap(({ name, traffic }) =>
    rulesInWords(traffic).map((rule, index) => [index === 0 ? name : "", style.warning(clean(rule))]),
  );
  return rows.length === 0 ? [] : table([{ title: "SERVICE" }, { title: "TRAFFIC RULES" }], rows, style.heading);
}

function calls(all: readonly Calls[], style: TextStyle): string[] {
  const columns = [
    { title: "CALLER" },
    { title: "CALLS" },
    ...["CALLS/S", "FAILED", "MEAN", "P95"].map((title) => ({ title, align: "right" as const })),
  ];
  const busiest = all.filter(({ callsPerSecond }) => callsPerSecond > 0).slice(0, MOST_CALLS_SHOWN);
  const rows = busiest.map((call) => [
    clean(call.caller),
    `${call.service} ${clean(shortMethod(call.method))}`,
    ...[...rate(call, style), ms(call.meanLatencyMs), ms(call.p95LatencyMs)],
  ]);
  return rows.length === 0 ? [] : table(columns, rows, style.heading);
}

function clientsLine(clients: readonly ClientStatus[]): string {
  const refusing = clients.filter(({ subscriptions }) => subscriptions.some(({ refusal }) => refusal !== null)).length;
  const open = refusing === 0 ? "none refuses anything" : `${refusing} refuse${refusing === 1 ? "s" : ""} an update, see above`;
  if (clients.length === 0) return "No xDS client is connected.";
  return `${clients.length} xDS client${clients.length === 1 ? "" : "s"}, ${open}.`;
}

/** "/package.v1.Service/Method" is "Service/Method". */
function shortMethod(method: string): string {
  return method.replace(/^\/(?:[^/]*\.)?([^./]+\/)/, "$1");
}

function rate({ callsPerSecond, failedShare }: Pick<LoadStatus, "callsPerSecond" | "failedShare">, style: TextStyle): string[] {
  const failed = callsPerSecond === 0 ? "" : `${(failedShare * 100).toFixed(1)}%`;
  return [callsPerSecond.toFixed(1), failedShare > 0 ? style.bad(failed) : failed];
}

function ms(duration: number | null): string {
  if (duration === null) return "";
  return `${duration < 100 ? Number(duration.toFixed(1)) : Math.round(duration)} ms`;
}

/** How long ago. The clocks of two machines may differ a little: what is to come is now. */
function age(time: string, now: Date): string {
  return timeSpan(now.getTime() - Date.parse(time));
}

/** What others chose, in one line. */
function clean(text: string): string {
  return printable(text.replace(/\s+/g, " "));
}
