import { html } from "ghtml";
import type { Email } from "./email-store.ts";
import type { Mail, Mailbox } from "./mail.ts";
import { numberOf } from "./notification-message.ts";
import { languages, phrase, type Voice, voiceFor } from "./phrase.ts";
import { canonical, isTag, type ReaderLocale } from "./translation.ts";

/** Whom an e-mail goes to. */
export interface Addressee extends ReaderLocale {
  name: string;
  email: string;
}

export interface EmailTextOptions {
  from: Mailbox;
  /** Where browsers find the shop. Without it e-mails have no links. */
  publicUrl: string | undefined;
  /** By which the addressee stops e-mails without signing in. */
  unsubscribeToken: string;
}

/** Writes an e-mail, around the text of a Notification. */
export function writeEmail(email: Email, addressee: Addressee, options: EmailTextOptions): Mail {
  const { from, publicUrl } = options;
  const { language } = voiceOf(email, addressee);
  const name = oneLine(addressee.name);
  const subject = oneLine(email.title) || phrase(language, "message.title");
  const greeting = name === "" ? "" : phrase(language, "email.greeting", { name });
  const links = publicUrl === undefined ? undefined : linksOf(publicUrl, email, options.unsubscribeToken);
  const tag = canonical(email.language);
  const contentLanguage = isTag(tag) ? tag : "";
  const parts = { language, subject, greeting, content: email.content, contentLanguage, links };
  return {
    // An address of the shop, which makes the id unique in the world.
    messageId: `${email.id}@${from.address.split("@")[1]}`,
    from,
    to: { name, address: addressee.email },
    subject,
    text: textOf(parts),
    html: htmlOf(parts),
    date: email.createdAt,
    headers: {
      "Auto-Submitted": "auto-generated",
      // Of what is told: the words around it may be in another.
      ...(contentLanguage !== "" && { "Content-Language": contentLanguage }),
      ...unsubscribeHeaders(links?.unsubscribe, from),
    },
  };
}

/** The language of the words around the text: the text's own, where push speaks it, else the reader's. */
function voiceOf({ language }: Email, addressee: Addressee): Voice {
  return Object.hasOwn(languages, language) ? voiceFor({ language, country: addressee.country }) : voiceFor(addressee);
}

interface Links {
  open: string;
  unsubscribe: string;
}

function linksOf(publicUrl: string, { kind }: Email, token: string): Links {
  const base = publicUrl.endsWith("/") ? publicUrl : `${publicUrl}/`;
  const unsubscribe = new URL("notifications/unsubscribe", base);
  unsubscribe.search = new URLSearchParams({ token, kind: `${numberOf[kind]}` }).toString();
  return { open: new URL("notifications", base).href, unsubscribe: unsubscribe.href };
}

/** RFC 2369, and one click by RFC 8058 where the shop has an address on the web. */
function unsubscribeHeaders(link: string | undefined, from: Mailbox): Record<string, string> {
  if (link === undefined) return { "List-Unsubscribe": `<mailto:${from.address}?subject=unsubscribe>` };
  return { "List-Unsubscribe": `<${link}>`, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" };
}

interface Parts {
  language: Voice["language"];
  subject: string;
  greeting: string;
  content: string;
  /** "" if nobody said. */
  contentLanguage: string;
  links: Links | undefined;
}

function textOf({ language, greeting, content, links }: Parts): string {
  const footer = ["-- ", phrase(language, "email.why")];
  if (links !== undefined) footer.push(`${phrase(language, "email.unsubscribe")}: ${links.unsubscribe}`);
  const link = links && `${phrase(language, "email.open")}: ${links.open}`;
  return [greeting, content, link, footer.join("\n")].filter(Boolean).join("\n\n");
}

function htmlOf({ language, subject, greeting, content, contentLanguage, links }: Parts): string {
  const paragraphs = content.split(/\n+/).map((line) => html`<p>${line}</p>`);
  const open = links && html`<p><a href="${links.open}">${phrase(language, "email.open")}</a></p>`;
  const stop = links && html`<br><a href="${links.unsubscribe}">${phrase(language, "email.unsubscribe")}</a>`;
  return html`<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><title>${subject}</title></head>
<body>
<h1>${subject}</h1>
!${greeting === "" ? "" : html`<p>${greeting}</p>`}
<div lang="${contentLanguage}">!${paragraphs}</div>
!${open ?? ""}
<hr>
<p><small>${phrase(language, "email.why")}!${stop ?? ""}</small></p>
</body>
</html>
`;
}

/** Without anything that could begin another line of a header. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
}
