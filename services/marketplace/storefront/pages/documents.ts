import { html } from "ghtml";
import { type Document, DocumentKind } from "../../../../gen/bookstore/documents/v1/document.ts";
import { formatBytes, formatDay } from "../format.ts";
import { nextPage } from "./book-list.ts";
import type { PageParts } from "./layout.ts";

export interface DocumentsParts {
  documents: readonly Document[];
  usedBytes: bigint;
  quotaBytes: bigint;
  /** The address of the next page. */
  next: string | undefined;
}

export function documentsPage({ documents, usedBytes, quotaBytes, next }: DocumentsParts): PageParts {
  const main = html`<h1>Your documents</h1>
<p class="quiet">You keep ${formatBytes(usedBytes)} of ${formatBytes(quotaBytes)} here. Receipts do not count.</p>
!${documents.length === 0 ? html`<p>There are none yet. Each order that is paid gets a receipt.</p>` : ""}
<div class="rows">
!${documents.map(row)}
</div>
!${nextPage(next)}`;
  return { title: "Your documents · Bookmesh", main };
}

function row({ id, name, size, kind, orderId, createTime }: Document): string {
  const receipt = kind === DocumentKind.DOCUMENT_KIND_RECEIPT;
  const about = receipt
    ? html`<a href="/orders/${orderId}">Look at the order</a>`
    : html`<a href="/documents/${id}/delete">Delete<span class="hidden"> ${name}</span></a>`;
  return html`<article class="row">
<h2><a href="/documents/${id}" dir="auto">${receipt ? `Receipt of ${formatDay(createTime)}` : name}</a></h2>
<p><span class="quiet">${formatBytes(size)}, ${formatDay(createTime)}</span> !${about}</p>
</article>
`;
}

export function deleteDocumentPage({ id, name, size }: Document): PageParts {
  const main = html`<h1>Delete this document?</h1>
<p><strong dir="auto">${name}</strong>, ${formatBytes(size)}, is deleted for good.</p>
<form class="form" method="post" action="/documents/${id}/delete"><button>Delete it</button></form>
<p class="aside"><a href="/documents">Keep it</a></p>`;
  return { title: "Delete a document · Bookmesh", main };
}
