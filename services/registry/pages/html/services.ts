import { html } from "ghtml";
import type { ServiceState } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { ratesOf, together } from "../../../../runtime/call-rates.ts";
import { badge, type Tone } from "./badge.ts";
import { formatRate, said } from "./format.ts";
import { instancesTable, isWell } from "./instances.ts";
import { andMore, foremost } from "./table.ts";
import { trafficInWords } from "./traffic-in-words.ts";

const MOST_SHOWN = 300;
/** On the whole page: it is made again and again, by a process that has better things to do. */
const MOST_INSTANCES = 2_000;
/** Of one service, where that allows it. */
const MOST_EACH = 100;

/** All services: first a line each, then everything about them. */
export function servicesPart(services: readonly ServiceState[], now: Date): string {
  if (services.length === 0) return `<p class="quiet">No service has registered yet.</p>`;
  const shown = foremost(services, MOST_SHOWN, needsAttention);
  const mostEach = Math.min(MOST_EACH, Math.floor(MOST_INSTANCES / shown.length));
  return html`<nav aria-label="Services"><ul class="index">!${shown.map(indexEntry)}</ul></nav>
!${shown.length < services.length ? html`<p class="quiet">${andMore(services, shown)}</p>` : ""}
!${shown.map((service) => serviceSection(service, mostEach, now))}`;
}

/** Whether somebody should look at a service. */
function needsAttention({ panic, instances }: ServiceState): boolean {
  return panic || instances.length === 0 || instances.some((state) => !isWell(state));
}

/** The place of a service on the page, for links. */
export function anchorOf(service: string): string {
  return `service-${service}`;
}

function toneOf(service: ServiceState): Tone {
  if (service.panic || !service.instances.some(({ inEndpoints }) => inEndpoints)) return "bad";
  return needsAttention(service) ? "warning" : "good";
}

function indexEntry(service: ServiceState): string {
  const { name, instances } = service;
  const called = instances.filter(({ inEndpoints }) => inEndpoints).length;
  const { callsPerSecond } = together(ratesOf(service));
  const state = service.panic ? "panic" : instances.length === 0 ? "no instance" : `${called} of ${instances.length} in`;
  return html`<li><a href="#${anchorOf(name)}"><strong>!${said(name)}</strong> !${badge(toneOf(service), state)} <span class="quiet">${formatRate(callsPerSecond)} calls/s</span></a></li>
`;
}

function serviceSection(service: ServiceState, mostInstances: number, now: Date): string {
  const { name, panic } = service;
  const id = anchorOf(name);
  const alarm = panic
    ? html`<p class="alarm">!${badge("bad", "Panic")} No instance is healthy, so callers are sent to all of them: to try is better than to fail.</p>`
    : "";
  const rules = trafficInWords(service);
  const rulesList = rules.length === 0 ? "" : html`<ul class="rules" aria-label="Traffic rules">!${rules.map(rule)}</ul>`;
  return html`<section class="card" aria-labelledby="${id}">
<h2 id="${id}">${name}</h2>
!${alarm}!${rulesList}!${instancesTable(service, mostInstances, now)}</section>
`;
}

function rule(sentence: string): string {
  return html`<li>!${said(sentence)}</li>`;
}
