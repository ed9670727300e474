import type { FastifyInstance } from "fastify";
import type { DocumentsClient } from "../../../clients/documents.ts";
import { bookId } from "./book-address.ts";
import { DOWNLOAD_MS, sendDownload } from "./downloads.ts";
import { orExplain } from "./failure-pages.ts";
import { isNotThere } from "./not-found.ts";
import { optional, PATIENCE_MS } from "./optional.ts";
import { problemPage } from "./pages/problem.ts";

export interface SamplesDeps {
  documents: Pick<DocumentsClient, "getSample" | "downloadSample">;
}

const NO_SAMPLE = { status: 404, page: problemPage("No sample", "There is no sample of this book.") };
const AWAY = problemPage("Samples are taking a break", "The shop is open all the same. Please try again in a minute.");

/** Whether there is a sample of a book. No one can be read while documents is away. */
export async function hasSample({ documents }: SamplesDeps, bookId: number): Promise<boolean> {
  const asking = documents.getSample({ bookId }, { deadlineMs: PATIENCE_MS });
  const found = await optional(asking.then(() => true, isNotThere));
  return found ?? false;
}

/** The beginnings of books, for everybody. */
export function sampleRoutes(app: FastifyInstance, { documents }: SamplesDeps): void {
  const config = { deadlineMs: DOWNLOAD_MS };
  app.get<{ Params: { id: number } }>("/books/:id/sample", { schema: bookId, config }, async (request, reply) => {
    const { id } = request.params;
    const send = async () => {
      const { document } = await documents.getSample({ bookId: id });
      if (document === undefined) throw new Error("documents has answered without a sample");
      return sendDownload(request, reply, {
        // A sample may be replaced: a browser that has one asks whether it is still the same.
        ...{ document, show: true, cacheControl: "public, no-cache" },
        open: (part, signal) => documents.downloadSample({ bookId: id, documentId: document.id, ...part }, { signal }),
      });
    };
    return orExplain(reply, send, { reasons: { SAMPLE_NOT_FOUND: () => NO_SAMPLE }, otherwise: AWAY });
  });
}
