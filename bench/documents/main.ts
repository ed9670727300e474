import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Metadata } from "nice-grpc";
import pino from "pino";
import { openChannel } from "../../clients/channel.ts";
import { documentsClient, uploadClient } from "../../clients/documents.ts";
import { registerClient, sessionClient } from "../../clients/register.ts";
import type { UploadChunksRequest } from "../../gen/bookstore/documents/v1/upload_service.ts";
import { startS3 } from "../../test/support/s3.ts";
import { TestAuthority } from "../../test/support/test-authority.ts";
import { Process } from "../mesh/process.ts";

// Usage: node bench/documents/main.ts [MiB]. What it measures and how is in README.md.

const MIB = 1_048_576;
const SIZE = Number(process.argv[2] ?? 1_024) * MIB;
const CHUNK_BYTES = 65_536;
const SLOW_READERS = 20;
const SLOW_MS = 5_000;
/** What a process of documents may take for one document that is a file. */
const LIMIT_MIB = 150;
/** What it may take for more than that: twenty readers, two documents, the client of a bucket. */
const LIMIT_OF_MORE_MIB = 200;
/**
 * As documents is to be run, besides compiled code as in the image: with the
 * defaults, tens of MiB that nobody needs wait for the garbage collector, and
 * for an allocator that keeps what each thread gives back.
 */
const SPARING = { NODE_OPTIONS: "--max-semi-space-size=1", MALLOC_ARENA_MAX: "1" };

const silent = pino({ level: "silent" });
const print = (text: string) => process.stdout.write(`${text}\n`);
let broken = false;

const authority = await TestAuthority.create();
const folder = await mkdtemp(join(tmpdir(), "bookmesh-bench-"));
const credentials = await authority.credentials("marketplace");
const processes: Process[] = [];
async function start(service: string, env: Record<string, string> = {}): Promise<Process> {
  const started = await Process.start(service, {
    DATABASE_URL: `sqlite:${join(folder, `${service}.db`)}`,
    CREDENTIALS_DIR: await authority.folder(service),
    ...{ REGISTRIES: "none", LOG_LEVEL: "info", ...env },
  });
  processes.push(started);
  return started;
}

const register = await start("register");
const registerChannel = openChannel(`127.0.0.1:${register.port}`, { service: "register", credentials });
const account = { email: "reader@example.com", password: "correct horse battery staple", clientAddress: "127.0.0.1" };
const { user } = await registerClient(registerChannel, silent).register({ ...account, name: "Reader" });
const userId = user?.id ?? "";
const { session } = await sessionClient(registerChannel, silent).signIn(account);
const metadata = new Metadata({ authorization: `Bearer ${session?.accessToken}` });

const block = Buffer.alloc(CHUNK_BYTES, "All human beings are born free and equal in dignity and rights.\n");
const hash = createHash("sha256");
for (let offset = 0; offset < SIZE; offset += CHUNK_BYTES) hash.update(block);
const sha256 = hash.digest("hex");

/** A process of documents and a client of it. */
async function startDocuments(env: Record<string, string> = {}) {
  const documents = await start("documents", {
    ...{ REGISTER_HOST: `127.0.0.1:${register.port}`, ORDERS_HOST: "127.0.0.1:1", DOCUMENTS_DIR: join(folder, "documents") },
    ...{
      USER_QUOTA_BYTES: String(100 * SIZE),
      ...SPARING,
      NODE_COMPILE_CACHE: join(folder, "compiled"),
      ...env,
    },
  });
  const channel = openChannel(`127.0.0.1:${documents.port}`, { service: "documents", credentials });
  // Its caches and its code are warm.
  await documentsClient(channel, silent).listDocuments({ userId }, { metadata });
  const stop = async () => {
    channel.close();
    await documents.kill();
  };
  return { documents, channel, uploads: uploadClient(channel, silent), client: documentsClient(channel, silent), stop };
}
type Documents = Awaited<ReturnType<typeof startDocuments>>;

/** What Linux says about the memory of a process, in MiB. */
async function memoryOf({ documents: { pid } }: Documents): Promise<{ now: number; most: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1_024;
  return { now: mib("VmRSS"), most: mib("VmHWM") };
}

async function cpuOf({ documents: { pid } }: Documents): Promise<number> {
  const [, , ...fields] = (await readFile(`/proc/${pid}/stat`, "utf8")).split(/\) | /);
  return (Number(fields[10]) + Number(fields[11])) / 100;
}

async function* chunks(uploadId: string): AsyncGenerator<UploadChunksRequest> {
  for (let offset = 0; offset < SIZE; offset += CHUNK_BYTES) yield { userId, uploadId, offset: BigInt(offset), data: block };
}

async function upload({ uploads }: Documents): Promise<string> {
  const announced = { userId, name: "large.txt", contentType: "text/plain", size: BigInt(SIZE), sha256 };
  const { upload } = await uploads.createUpload(announced, { metadata });
  const { document } = await uploads.uploadChunks(chunks(upload?.id ?? ""), { metadata });
  return document?.id ?? "";
}

async function download({ client }: Documents, documentId: string): Promise<void> {
  let bytes = 0;
  for await (const { data } of client.downloadDocument({ userId, documentId }, { metadata })) bytes += data.length;
  if (bytes !== SIZE) throw new Error(`${bytes} bytes instead of ${SIZE}`);
}

/** One line of the report. */
async function measure(
  what: string,
  on: Documents,
  action: () => Promise<unknown>,
  { rate = true, limitMib = LIMIT_OF_MORE_MIB } = {},
): Promise<void> {
  const before = await memoryOf(on);
  const cpuBefore = await cpuOf(on);
  const startedAt = performance.now();
  await action();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { most } = await memoryOf(on);
  const holds = most < limitMib;
  broken ||= !holds;
  const columns = [
    `${before.now.toFixed(0)} MiB`,
    `${most.toFixed(0)} MiB`,
    rate ? `${(SIZE / MIB / seconds).toFixed(0)} MiB/s` : "",
    rate ? `${((await cpuOf(on)) - cpuBefore).toFixed(1)} s` : "",
  ];
  print(`${holds ? "holds " : "BROKEN"}  ${what.padEnd(52)}${columns.map((text) => text.padStart(12)).join("")}`);
}

print(`Node ${process.versions.node}, ${availableParallelism()} cores; ${SIZE / MIB} MiB each\n`);
print(`${" ".repeat(60)}${["before", "at most", "rate", "CPU"].map((text) => text.padStart(12)).join("")}`);

// As in the image, Node finds the code compiled and loads nothing that strips types.
{
  const on = await startDocuments();
  on.channel.close();
  await on.documents.stop();
}
let documentId = "";
{
  const on = await startDocuments();
  const first = async () => {
    documentId = await upload(on);
  };
  await measure("files, up", on, first, { limitMib: LIMIT_MIB });
  await on.stop();
}
{
  const on = await startDocuments();
  await measure("files, down", on, () => download(on, documentId), { limitMib: LIMIT_MIB });
  await on.stop();
}
{
  const on = await startDocuments();
  await measure("files, up and down at once", on, async () => {
    await Promise.all([upload(on), download(on, documentId)]);
  });
  await on.stop();
}
for (const readers of [1, SLOW_READERS]) {
  const on = await startDocuments();
  const leave = new AbortController();
  await measure(
    `files, ${readers} who read one message and then nothing`,
    on,
    async () => {
      for (let i = 0; i < readers; i++) {
        const messages = on.client.downloadDocument({ userId, documentId }, { metadata, signal: leave.signal });
        await messages[Symbol.asyncIterator]().next();
      }
      await pause(SLOW_MS);
    },
    { rate: false },
  );
  leave.abort();
  await on.stop();
}
{
  await using s3 = await startS3();
  const { endpoint = "", bucket, credentials: { accessKeyId = "", secretAccessKey = "" } = {} } = s3.settings;
  const settings = {
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
  };
  let id = "";
  {
    const on = await startDocuments(settings);
    await measure("bucket, up", on, async () => {
      id = await upload(on);
    });
    await on.stop();
  }
  const on = await startDocuments(settings);
  await measure("bucket, down", on, () => download(on, id));
  await on.stop();
}

registerChannel.close();
for (const one of processes) await one.kill();
await authority[Symbol.asyncDispose]();
await rm(folder, { recursive: true });
process.exit(broken ? 1 : 0);
