import { html } from "ghtml";
import type { ClientState, RegistryState, ServiceState } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { ratesOf, together } from "../../../../runtime/call-rates.ts";
import { callsPart } from "./calls.ts";
import { clientsPart, refuses } from "./clients.ts";
import { formatRate, said, since } from "./format.ts";
import { isWell } from "./instances.ts";
import type { PageParts } from "./layout.ts";
import { servicesPart } from "./services.ts";

/** Everything that the page shows. */
interface MeshState {
  registry: RegistryState;
  services: readonly ServiceState[];
  clients: readonly ClientState[];
  now: Date;
}

export function overview({ registry, services, clients, now }: MeshState): PageParts {
  const instances = services.flatMap((service) => service.instances);
  const notWell = instances.filter((state) => !isWell(state)).length;
  const refusing = clients.filter(refuses).length;
  const { callsPerSecond } = together(services.flatMap(ratesOf));
  const numbers = [
    number("Services", String(services.length), false),
    number("Instances", String(instances.length), false),
    number("Not well", String(notWell), notWell > 0),
    number("Calls/s", formatRate(callsPerSecond), false),
    number("Clients", String(clients.length), false),
    number("Refusing", String(refusing), refusing > 0),
  ];
  const main = html`<main id="main" tabindex="-1">
<section class="registry" aria-labelledby="registry">
<h1 id="registry">!${said(registry.id)}</h1>
<p>!${said(registry.description)} <span class="quiet">Running for !${since(registry.startTime, now, "some time", "")}.</span></p>
<dl class="numbers">!${numbers}</dl>
</section>
!${servicesPart(services, now)}!${callsPart(services)}!${clientsPart(clients, now)}</main>`;
  const problems = notWell + refusing;
  return { title: `${problems === 0 ? "" : `(${problems}) `}Bookmesh registry`, main };
}

function number(name: string, value: string, alarming: boolean): string {
  const sign = alarming ? `<span class="sign" aria-hidden="true">!</span>` : "";
  return html`<div!${alarming ? ' class="alarming"' : ""}><dt>${name}</dt><dd>!${sign}${value}</dd></div>`;
}
