import { isAbortError } from "abort-controller-x";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { CallFailure } from "../../../clients/call-failure.ts";
import type { UploadClient } from "../../../clients/documents.ts";
import { contentTypeOf } from "./documents-types.ts";
import { type FailurePage, orExplain } from "./failure-pages.ts";
import { formatBytes } from "./format.ts";
import { leaving } from "./leaving.ts";
import { OpenStreams } from "./open-streams.ts";
import { optional } from "./optional.ts";
import { showPage } from "./page.ts";
import type { Problems } from "./pages/form.ts";
import type { PageParts } from "./pages/layout.ts";
import { type Onward, problemPage } from "./pages/problem.ts";
import { type ArrivingFile, arrivingFile, BrokenUpload, chunksOf, takeFiles } from "./uploads.ts";
import { patienceWith, UPLOAD_MS } from "./uploads-timing.ts";
import { userIdOf } from "./visitor.ts";

export interface UploadRouteDeps {
  documents: Pick<UploadClient, "createUpload" | "uploadChunks">;
  /** The page on which the form stands. */
  formPage(request: FastifyRequest, problems: Problems): Promise<PageParts>;
  /** Where to go if it cannot be shown. */
  back: readonly Onward[];
  otherwise: PageParts;
}

/** A file takes all that a connection has. Each that is on its way takes up to half a MiB of memory. */
const PLACES = { perUser: 1, inAll: 32 };

const aboutFile = (problem: string): Problems => ({ fields: { file: problem } });
const inAll = (message: string): Problems => ({ message, fields: {} });

const NOTHING = aboutFile("has to be chosen first");
const EMPTY = aboutFile("is empty");
const NO_LENGTH = inAll("The file did not come with its size. Please try another browser.");
const NO_PLACE = inAll("Another file is on its way. Please wait until it is there.");
const BROKEN = inAll("The file did not arrive whole. Please try again.");
const BUSY = inAll("Too many people upload files just now. Please try again in a minute.");
const FULL = inAll("There is no room for files just now. Please try again later.");
const UNFINISHED = inAll("Too many uploads of yours are unfinished. Please finish them first.");
const TOO_MANY = inAll("You keep as many documents as one may. Please delete some first.");
const UNTAKEN_TYPE = aboutFile("is of a type that is not taken");
const OTHER_TYPE = aboutFile("is damaged, or not of the type that its name says");
const BAD_NAME = aboutFile("has a name that cannot be kept: please rename it first");
const NO_ROOM = aboutFile("is larger than the room that you have left");

/** Where the form with a file is sent. The file goes on to documents as it comes: nothing of it is kept here. */
export async function uploadRoute(app: FastifyInstance, deps: UploadRouteDeps): Promise<void> {
  const { documents, otherwise } = deps;
  const places = new OpenStreams(PLACES);
  await takeFiles(app);

  app.post("/documents", { config: { deadlineMs: UPLOAD_MS } }, async (request, reply) => {
    const userId = userIdOf(request);
    const problem = async (status: number, problems: Problems) =>
      showPage(reply.status(status), await pageWith(request, problems));
    const take = async () => {
      if (request.headers["content-length"] === undefined) return problem(411, NO_LENGTH);
      using file = await arrivingFile(request);
      if (file?.bytes !== undefined) {
        await send(file, file.bytes, { userId, reply });
        return reply.redirect("/documents?done=uploaded", 303);
      }
      return problem(422, file === undefined || file.name === "" ? NOTHING : EMPTY);
    };

    using _ = patienceWith(request);
    const place = places.enter(userId);
    if (place === undefined) return problem(429, NO_PLACE);
    try {
      return await orExplain(reply, take, { reasons: reasonsFor(request), otherwise });
    } catch (error) {
      if (!(error instanceof BrokenUpload) && !isAbortError(error)) throw error;
      return problem(400, BROKEN);
    } finally {
      place.leave();
    }
  });

  async function send(
    { name, contentType, atMost }: ArrivingFile,
    bytes: AsyncIterable<Buffer>,
    { userId, reply }: { userId: string; reply: FastifyReply },
  ): Promise<void> {
    const announced = { userId, name, contentType: contentTypeOf(name, contentType), size: BigInt(atMost), openEnded: true };
    const { upload } = await documents.createUpload(announced);
    if (upload === undefined) throw new Error("documents has answered without an upload");
    await documents.uploadChunks(chunksOf(bytes, upload), { signal: leaving(reply) });
  }

  /** The form with what is wrong. Behind a long upload the user may be signed in no more: it is said all the same. */
  async function pageWith(request: FastifyRequest, problems: Problems): Promise<PageParts> {
    const sentence = problems.message ?? `File ${problems.fields.file}.`;
    return (await optional(deps.formPage(request, problems))) ?? problemPage("Nothing was uploaded", sentence, deps.back);
  }

  function reasonsFor(request: FastifyRequest): Record<string, (failure: CallFailure) => Promise<FailurePage>> {
    const instead = (status: number, problems: Problems) => async () => ({ status, page: await pageWith(request, problems) });
    return {
      UNSUPPORTED_TYPE: instead(422, UNTAKEN_TYPE),
      CONTENT_MISMATCH: instead(422, OTHER_TYPE),
      NAME_UNUSABLE: instead(422, BAD_NAME),
      INVALID_FIELDS: instead(422, BAD_NAME),
      DOCUMENT_TOO_LARGE: ({ metadata }) =>
        instead(413, aboutFile(`is larger than ${formatBytes(BigInt(metadata.limit ?? 0))}`))(),
      QUOTA_EXCEEDED: instead(409, NO_ROOM),
      TOO_MANY_DOCUMENTS: instead(409, TOO_MANY),
      TOO_MANY_UPLOADS: instead(409, UNFINISHED),
      UPLOAD_STALLED: instead(408, BROKEN),
      OVERLOADED: instead(503, BUSY),
      STORAGE_FULL: instead(503, FULL),
    };
  }
}
