import type { FastifyInstance, FastifyRequest } from "fastify";
import type { DocumentsClient, UploadClient } from "../../../clients/documents.ts";
import { type Document, DocumentKind } from "../../../gen/bookstore/documents/v1/document.ts";
import { type UploadRouteDeps, uploadRoute } from "./documents-upload.ts";
import { DOWNLOAD_MS, sendDownload } from "./downloads.ts";
import { orExplain } from "./failure-pages.ts";
import { queryOf } from "./form-schema.ts";
import { unlessGone } from "./not-found.ts";
import { optional, PATIENCE_MS } from "./optional.ts";
import { showPage } from "./page.ts";
import { deleteDocumentPage, documentsPage } from "./pages/documents.ts";
import { NO_PROBLEMS, type Problems } from "./pages/form.ts";
import type { PageParts } from "./pages/layout.ts";
import { problemPage } from "./pages/problem.ts";
import { onlyForUsers } from "./signed-in.ts";
import { userIdOf } from "./visitor.ts";

export interface DocumentsDeps {
  documents: Pick<DocumentsClient, "listDocuments" | "getDocument" | "downloadDocument" | "deleteDocument"> &
    Pick<UploadClient, "getUploadLimits"> &
    UploadRouteDeps["documents"];
}

const PAGE_SIZE = 20;

const BACK = [{ href: "/documents", label: "Your documents" }];
const NOT_FOUND = { status: 404, page: problemPage("Document not found", "You have no such document.", BACK) };
const KEPT = {
  status: 409,
  page: problemPage("Receipts are kept", "The shop has to keep receipts as long as your account.", BACK),
};
const FAILURES = {
  reasons: { DOCUMENT_NOT_FOUND: () => NOT_FOUND, RECEIPT_KEPT: () => KEPT },
  otherwise: problemPage("Documents are taking a break", "None of yours is lost. Please try again in a minute."),
};

type ById = { Params: { id: string } };

/** The receipts of a user, and what the user has uploaded. */
export function documentRoutes(app: FastifyInstance, { documents }: DocumentsDeps): void {
  onlyForUsers(app);
  // What cannot be the id of a document is the id of none.
  app.addHook("preHandler", async (request, reply) => {
    const { id = "none" } = request.params as Partial<ById["Params"]>;
    if (!/^[\w-]{1,36}$/.test(id)) return showPage(reply.status(404), NOT_FOUND.page);
  });

  const schema = queryOf("page", "done");
  app.get<{ Querystring: { page: string; done: string } }>("/documents", { schema }, async (request, reply) => {
    const { page: pageToken, done } = request.query;
    const show = async () => showPage(reply, await list(request, { pageToken, uploaded: done === "uploaded" }));
    return orExplain(reply, show, FAILURES);
  });
  const formPage = (request: FastifyRequest, problems: Problems) => list(request, { problems });
  app.register(async (uploads) => uploadRoute(uploads, { documents, formPage, back: BACK, otherwise: FAILURES.otherwise }));

  const config = { deadlineMs: DOWNLOAD_MS, bare: true };
  app.get<ById>("/documents/:id", { config }, async (request, reply) => {
    const userId = userIdOf(request);
    const send = async () => {
      const document = await documentOf(request);
      return sendDownload(request, reply, {
        // What somebody has uploaded is kept, not shown: only receipts are the shop's own words.
        ...{ document, show: document.kind === DocumentKind.DOCUMENT_KIND_RECEIPT, cacheControl: "no-store" },
        open: (part, signal) => documents.downloadDocument({ userId, documentId: document.id, ...part }, { signal }),
      });
    };
    return orExplain(reply, send, FAILURES);
  });

  app.get<ById>("/documents/:id/delete", async (request, reply) => {
    const show = async () => showPage(reply, deleteDocumentPage(await documentOf(request)));
    return orExplain(reply, show, FAILURES);
  });

  app.post<ById>("/documents/:id/delete", async (request, reply) => {
    const remove = async () => {
      await documents.deleteDocument({ userId: userIdOf(request), documentId: request.params.id }).catch(unlessGone);
      return reply.redirect("/documents", 303);
    };
    return orExplain(reply, remove, FAILURES);
  });

  async function list(
    request: FastifyRequest,
    { pageToken = "", problems = NO_PROBLEMS, uploaded = false }: { pageToken?: string; problems?: Problems; uploaded?: boolean },
  ): Promise<PageParts> {
    const [{ nextPageToken, ...found }, limits] = await Promise.all([
      documents.listDocuments({ userId: userIdOf(request), pageSize: PAGE_SIZE, pageToken }),
      optional(documents.getUploadLimits({}, { deadlineMs: PATIENCE_MS })),
    ]);
    const next = nextPageToken === "" ? undefined : `/documents?${new URLSearchParams({ page: nextPageToken })}`;
    return documentsPage({ ...found, limits, next, problems, uploaded });
  }

  async function documentOf(request: FastifyRequest): Promise<Document> {
    const { id } = request.params as ById["Params"];
    const { document } = await documents.getDocument({ userId: userIdOf(request), documentId: id });
    if (document === undefined) throw new Error("documents has answered without a document");
    return document;
  }
}
