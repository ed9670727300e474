import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { S3Options } from "../../services/documents/s3-blobs.ts";
import { testFolder } from "./documents.ts";

/** The parts of s3rver, an application of Koa, that are used here. It has no types. */
interface S3rver {
  middleware: ((context: Context, next: () => Promise<void>) => Promise<void>)[];
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
  httpServer: { closeAllConnections(): void };
}
interface Context {
  method: string;
  query: Record<string, string | undefined>;
  status: number;
  body: unknown;
}

const BUCKET = "documents";
const KEY = "S3RVER";

/** A server that speaks S3, with one empty bucket. @returns to be bound with `await using`, which stops it. */
export async function startS3(): Promise<AsyncDisposable & { settings: S3Options; folder: string }> {
  await using stack = new AsyncDisposableStack();
  const { path: directory } = stack.use(await testFolder());
  const Server = createRequire(import.meta.url)("@20minutes/s3rver") as new (options: object) => S3rver;
  const server = new Server({
    ...{ address: "127.0.0.1", port: 0, silent: true, directory, vhostBuckets: false },
    configureBuckets: [{ name: BUCKET, configs: [] }],
  });
  // What S3 does with uploads that are given up or gone already, and s3rver does not.
  server.middleware.unshift(async (context, next) => {
    const { uploadId } = context.query;
    if (uploadId === undefined || !/^[0-9a-f]+$/.test(uploadId)) return next();
    const folder = join(directory, BUCKET, "._S3rver_uploads", uploadId);
    const known = existsSync(folder);
    if (known && context.method !== "DELETE") return next();
    await rm(folder, { recursive: true, force: true });
    context.status = known ? 204 : 404;
    if (!known) context.body = "<Error><Code>NoSuchUpload</Code><Message>The upload does not exist.</Message></Error>";
  });
  const { port } = await server.run();
  stack.defer(async () => {
    server.httpServer.closeAllConnections();
    await server.close();
  });
  const disposal = stack.move();
  const credentials = { accessKeyId: KEY, secretAccessKey: KEY };
  return {
    settings: { endpoint: `http://127.0.0.1:${port}`, bucket: BUCKET, region: "us-east-1", credentials },
    folder: directory,
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}
