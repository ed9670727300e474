import { html } from "ghtml";
import { NotificationKind, type Preferences } from "../../../../gen/bookstore/push/v1/push_service.ts";
import { formatLanguage } from "../format.ts";
import type { Field, Problems } from "./form.ts";
import { fieldsOf, formTitle, NO_PROBLEMS, problemSummary } from "./form.ts";
import type { PageParts } from "./layout.ts";

const NAMES: Readonly<Partial<Record<NotificationKind, string>>> = {
  [NotificationKind.NOTIFICATION_KIND_MESSAGE]: "Messages for you",
  [NotificationKind.NOTIFICATION_KIND_ORDER_PLACED]: "Orders that are paid",
  [NotificationKind.NOTIFICATION_KIND_ORDER_CANCELLED]: "Orders that are called off",
  [NotificationKind.NOTIFICATION_KIND_PAYMENT_FAILED]: "Payments that fail",
  [NotificationKind.NOTIFICATION_KIND_COMMENT_POSTED]: "Comments on your reviews",
  [NotificationKind.NOTIFICATION_KIND_COMMENT_ANSWERED]: "Answers to your comments",
  [NotificationKind.NOTIFICATION_KIND_PROMOTION_REMINDER]: "Offers that you have not used",
};

/** What notifications of a kind are called. */
export function nameOfKind(kind: NotificationKind): string {
  return NAMES[kind] ?? "Others";
}

const QUIET: readonly Field[] = [
  { name: "quietFrom", label: "From", type: "time" },
  { name: "quietTo", label: "To", type: "time" },
  { name: "timeZone", label: "Time zone", type: "time zone" },
];

export interface PreferencesParts {
  preferences: Preferences;
  emailAvailable: boolean;
  /** The language of the account: a BCP 47 tag. */
  language: string;
  /** What somebody has typed for the quiet hours. The default is what is known. */
  typed?: { quietFrom: string; quietTo: string; timeZone: string };
  problems?: Problems;
  done?: boolean;
}

export function preferencesPage(parts: PreferencesParts): PageParts {
  const { preferences, emailAvailable, language, problems = NO_PROBLEMS, done = false } = parts;
  const { from = "", to = "", timeZone = "UTC" } = preferences.quietHours ?? {};
  const values = parts.typed ?? { quietFrom: from, quietTo: to, timeZone };
  const spoken = formatLanguage(language);
  const main = html`<p class="crumb"><a href="/notifications">Notifications</a></p>
<h1>What you want to be told of</h1>
!${problemSummary(problems, QUIET)}
!${done ? html`<p class="done" role="status">Your changes are saved.</p>` : ""}
<p>You are told in the language of <a href="/account">your account</a>!${spoken === "" ? "" : html`: ${spoken}`}.</p>
<form class="form wide" method="post" action="/notifications/preferences" novalidate>
<fieldset>
<legend>Kinds</legend>
!${emailAvailable ? "" : html`<p class="hint">The shop sends no e-mails just now. What you choose holds as soon as it does.</p>`}
!${preferences.kinds.map(kindOf)}
</fieldset>
<fieldset>
<legend>Quiet hours</legend>
<p class="hint">E-mails wait until they are over, and notifications come without a sound. Leave both times empty for none.</p>
!${fieldsOf(QUIET, values, problems)}
</fieldset>
<button>Save</button>
</form>`;
  return { title: formTitle("What you want to be told of", problems), main };
}

function kindOf({ kind, web, email, webRequired }: Preferences["kinds"][number]): string {
  const name = NAMES[kind] ?? "Others";
  return html`<div class="kind" role="group" aria-labelledby="kind-${kind}"><span id="kind-${kind}">${name}</span>
<label class="choice"><input type="checkbox" name="web-${kind}" value="on"!${web ? " checked" : ""}!${webRequired ? " disabled" : ""}> here</label>
<label class="choice"><input type="checkbox" name="email-${kind}" value="on"!${email ? " checked" : ""}> by e-mail</label></div>
`;
}

/** @param action where the form is sent, with the token of the e-mail. */
export function unsubscribePage(action: string, kind: NotificationKind): PageParts {
  const main = html`<h1>Stop these e-mails?</h1>
<p>You get e-mails about: <strong>${nameOfKind(kind)}</strong>. What happens still stands among your notifications in the shop.</p>
<form class="form" method="post" action="${action}"><button>Stop them</button></form>
<p class="aside"><a href="/notifications/preferences">Choose what you want to be told of</a></p>`;
  return { title: "Stop e-mails · Bookmesh", main, personal: true };
}

export function unsubscribedPage(kind: NotificationKind): PageParts {
  const main = html`<h1>No more of these e-mails</h1>
<p>You get no more e-mails about: <strong>${nameOfKind(kind)}</strong>. <a href="/notifications/preferences">You can change that</a> whenever you like.</p>`;
  return { title: "E-mails stopped · Bookmesh", main, personal: true };
}
