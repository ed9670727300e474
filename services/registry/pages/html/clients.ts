import { html } from "ghtml";
import type { ClientState, Subscription } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { badge } from "./badge.ts";
import { count, said, since } from "./format.ts";
import { andMore, type Column, foremost, table } from "./table.ts";

const MOST_SHOWN = 200;

const COLUMNS: readonly Column[] = [
  { name: "Client" },
  { name: "Service" },
  { name: "Program" },
  { name: "Connected" },
  { name: "What it knows", kind: "wide" },
];

/** Who gets routes and endpoints by xDS, and whether it takes them. */
export function clientsPart(clients: readonly ClientState[], now: Date): string {
  const shown = foremost(clients, MOST_SHOWN, refuses);
  const content =
    clients.length === 0
      ? `<p class="quiet">No client is connected.</p>`
      : table({
          caption: "Clients that get their routes and endpoints here",
          columns: COLUMNS,
          rows: shown.map((client) => row(client, now)),
          note: andMore(clients, shown),
        });
  return html`<section class="card" aria-labelledby="clients">
<h2 id="clients">xDS clients</h2>
!${content}</section>
`;
}

/** Whether a client has an open refusal (NACK). */
export function refuses({ subscriptions }: ClientState): boolean {
  return subscriptions.some(({ refusal }) => refusal !== undefined);
}

function row({ nodeId, cluster, userAgent, connectTime, subscriptions }: ClientState, now: Date): string[] {
  const known = subscriptions.map((subscription) => html`<li>!${subscriptionLine(subscription, now)}</li>`);
  return [
    html`<code>!${said(nodeId)}</code>`,
    said(cluster),
    said(userAgent),
    since(connectTime, now, "–", ""),
    known.length === 0 ? "nothing yet" : html`<ul class="subscriptions">!${known}</ul>`,
  ];
}

function subscriptionLine({ type, resources, acceptedVersion, sentVersion, refusal }: Subscription, now: Date): string {
  const what = html`!${said(type)} <span class="quiet">${count(resources, "resource")}</span>`;
  if (refusal !== undefined) {
    return html`!${badge("bad", "refused (NACK)")} !${what} <span class="problem">version !${said(refusal.version)}: !${said(refusal.reason)} <span class="quiet">!${since(refusal.time, now, "")}</span></span>`;
  }
  if (sentVersion === "") return html`!${badge("neutral", "nothing sent")} !${what}`;
  if (acceptedVersion === sentVersion) return html`!${badge("good", "up to date")} !${what}`;
  return html`!${badge("neutral", "sent")} !${what}`;
}
