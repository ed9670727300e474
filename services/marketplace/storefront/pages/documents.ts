import { html } from "ghtml";
import { type Document, DocumentKind } from "../../../../gen/bookstore/documents/v1/document.ts";
import type { GetUploadLimitsResponse } from "../../../../gen/bookstore/documents/v1/upload_service.ts";
import { choosable, labelsOf } from "../documents-types.ts";
import { formatBytes, formatDay } from "../format.ts";
import { nextPage } from "./book-list.ts";
import { formTitle, type Problems, problemSummary } from "./form.ts";
import type { PageParts } from "./layout.ts";

export interface DocumentsParts {
  documents: readonly Document[];
  usedBytes: bigint;
  quotaBytes: bigint;
  /** Which files may be uploaded. Undefined if nobody can say: then none can. */
  limits: GetUploadLimitsResponse | undefined;
  /** The address of the next page. */
  next: string | undefined;
  /** With the file that somebody has tried to upload. */
  problems: Problems;
  /** Whether one has just been uploaded. */
  uploaded: boolean;
}

const FILE = { name: "file", label: "File" };

export function documentsPage({ documents, usedBytes, quotaBytes, limits, next, problems, uploaded }: DocumentsParts): PageParts {
  const leftBytes = quotaBytes > usedBytes ? quotaBytes - usedBytes : 0n;
  const main = html`<h1>Your documents</h1>
!${problemSummary(problems, [FILE])}
!${uploaded ? html`<p class="done" role="status">Your document is there.</p>` : ""}
<p class="quiet">You keep ${formatBytes(usedBytes)} of ${formatBytes(quotaBytes)} here. Receipts do not count.</p>
!${documents.length === 0 ? html`<p>There are none yet. Each order that is paid gets a receipt.</p>` : ""}
<div class="rows">
!${documents.map(row)}
</div>
!${nextPage(next)}
!${limits === undefined ? "" : uploadForm(limits, leftBytes, problems.fields[FILE.name])}`;
  return { title: formTitle("Your documents", problems), main };
}

function uploadForm(limits: GetUploadLimitsResponse, leftBytes: bigint, problem: string | undefined): string {
  const { contentTypes, maxDocumentBytes } = limits;
  const hint = `${labelsOf(contentTypes)}, up to ${formatBytes(maxDocumentBytes)}. You have room for ${formatBytes(leftBytes)}.`;
  const wrong = problem === undefined ? "" : html`<p class="problem" id="file-problem">File ${problem}.</p>`;
  return html`<h2>Upload a document</h2>
<form class="form" method="post" action="/documents" enctype="multipart/form-data" novalidate>
<div class="field"><label for="file">File</label>
<p class="hint" id="file-hint">${hint}</p>
<input id="file" name="file" type="file" accept="${choosable(contentTypes)}" required!${wrong === "" ? "" : ' aria-invalid="true"'} aria-describedby="file-hint!${wrong === "" ? "" : " file-problem"}">
!${wrong}
</div>
<button>Upload it</button>
</form>`;
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
