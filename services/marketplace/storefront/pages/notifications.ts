import { html } from "ghtml";
import { type Notification, NotificationKind } from "../../../../gen/bookstore/push/v1/push_service.ts";
import { formatMoment } from "../format.ts";
import { nextPage } from "./book-list.ts";
import { commentPath } from "./comments.ts";
import type { PageParts } from "./layout.ts";

/** A notification as it is shown: what the script of the page gets, too. */
export interface NotificationView {
  id: string;
  title: string;
  content: string;
  /** A BCP 47 tag. Empty if nobody knows. */
  language: string;
  /** When it came: for machines, and for people. */
  time: string;
  moment: string;
  /** Where to look, and what for. Empty if there is no such place. */
  href: string;
  label: string;
  read: boolean;
}

export function viewOf(notification: Notification): NotificationView {
  const { id, title, content, language, createTime, read } = notification;
  return {
    ...{ id: String(id), title: title || "A message for you", content, language },
    ...{ time: createTime?.toISOString() ?? "", moment: formatMoment(createTime) },
    ...placeOf(notification),
    read,
  };
}

function placeOf({ kind, subject }: Notification): Pick<NotificationView, "href" | "label"> {
  const { orderId = "", bookId = 0, commentId = 0n } = subject ?? {};
  if (/^[\w-]+$/.test(orderId)) return { href: `/orders/${orderId}`, label: "Look at the order" };
  if (bookId > 0 && commentId > 0n) return { href: commentPath(commentId), label: "Look at the comment" };
  if (bookId > 0) return { href: `/books/${bookId}#reviews`, label: "Look at the book" };
  if (kind === NotificationKind.NOTIFICATION_KIND_PROMOTION_REMINDER) return { href: "/books", label: "Look for books" };
  return { href: "", label: "" };
}

export interface NotificationsParts {
  notifications: readonly NotificationView[];
  unreadCount: number;
  /** The token of this page. Empty on the first one, where new ones come in. */
  page: string;
  /** The address of the next page. */
  next: string | undefined;
}

const BLANK: NotificationView = {
  ...{ id: "", title: "", content: "", language: "", time: "", moment: "", href: "", label: "", read: false },
};

export function notificationsPage({ notifications, unreadCount, page, next }: NotificationsParts): PageParts {
  const first = page === "";
  const unread = notifications.filter(({ read }) => !read).map(({ id }) => id);
  const none = html`<p class="quiet" id="no-notifications">Nothing has happened yet.</p>`;
  const main = html`<h1>Notifications</h1>
<div class="onward">!${unread.length === 0 ? "" : readForm(unread, page, html`<button class="second">Mark these as read</button>`)}
<a href="/notifications/preferences">What you want to be told of</a></div>
!${notifications.length === 0 ? none : ""}
<div class="rows" id="notifications" data-after="!${first ? (notifications[0]?.id ?? "0") : ""}" data-unread="${unreadCount}" aria-live="polite">
!${notifications.map((view) => item(view, page))}
</div>
!${nextPage(next)}
!${
    first
      ? html`<template id="notification">!${item(BLANK, "")}</template>
<script src="/assets/notifications.js" defer></script>`
      : ""
  }`;
  return { title: "Notifications · Bookmesh", main };
}

/** The script fills in what is blank, by the names of the parts. */
function item({ id, title, content, language, time, moment, href, label, read }: NotificationView, page: string): string {
  const place = href === "" && id !== "" ? "" : html`<a data-part="place" href="${href}">${label}</a>`;
  const mark = read ? "" : readForm([id], page, html`<button class="plain">Mark as read</button>`);
  return html`<article class="row notice!${read ? "" : " new"}" id="notification-${id}">
<h2 data-part="title"!${language === "" ? "" : html` lang="${language}"`}>${title}</h2>
<p class="words" data-part="content" dir="auto"!${language === "" ? "" : html` lang="${language}"`}>${content}</p>
<div class="aside"><time data-part="time" datetime="${time}">${moment}</time> !${place} !${mark}</div>
</article>
`;
}

function readForm(ids: readonly string[], page: string, button: string): string {
  return html`<form method="post" action="/notifications/read"><input type="hidden" name="ids" value="${ids.join(",")}"><input type="hidden" name="page" value="${page}">!${button}</form>`;
}
