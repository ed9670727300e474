import { z } from "zod";
import { databaseUrl, peer, serviceSettings } from "../../runtime/config.ts";
import { consumerSettings } from "../../runtime/events/config.ts";
import { contentTypes } from "./content-type.ts";

const bytes = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const text = z.string().min(1);

export const configSchema = z.object({
  ...serviceSettings("documents", { port: 50057, adminPort: 9057 }),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/documents.db"),
  REGISTER_HOST: peer("register", 50053),
  ORDERS_HOST: peer("orders", 50055),
  ...consumerSettings(),
  /** The folder that keeps the bytes, for one instance alone. Not used where there is a bucket. */
  DOCUMENTS_DIR: text.default(".bookmesh/documents"),
  /** The bucket that keeps the bytes, for all instances together. */
  S3_BUCKET: text.optional(),
  /** The server of the bucket, where it is not Amazon's. */
  S3_ENDPOINT: z.url({ protocol: /^https?$/, error: "Expected http://… or https://…" }).optional(),
  S3_REGION: text.default("us-east-1"),
  /** Without these two, Amazon's client looks for who it is where it always does. */
  S3_ACCESS_KEY_ID: text.optional(),
  S3_SECRET_ACCESS_KEY: text.optional(),
  /** The largest document. A bucket takes 10,000 parts of 5 MiB. */
  MAX_DOCUMENT_BYTES: bytes.max(52_428_800_000).default(2_147_483_648),
  /** How much one user may keep. */
  USER_QUOTA_BYTES: bytes.default(5_368_709_120),
  /** How long an unfinished upload waits for more. */
  UPLOAD_EXPIRY_HOURS: z.coerce.number().int().min(1).max(720).default(24),
  /** The media types that may be uploaded. */
  ALLOWED_CONTENT_TYPES: z
    .string()
    .default(contentTypes.join(","))
    .transform((list) => list.split(",").map((one) => one.trim()))
    .pipe(z.array(z.enum(contentTypes))),
  /** How many uploads may send at once, a quarter of them for one user. Each takes up to 4 MiB of memory, and 5 MiB more where there is a bucket. */
  MAX_UPLOADS_AT_ONCE: z.coerce.number().int().min(1).max(10_000).default(16),
  /** How many downloads may be under way at once, a quarter of them for one user, half for all guests. Each takes up to half a MiB of memory. */
  MAX_DOWNLOADS_AT_ONCE: z.coerce.number().int().min(1).max(10_000).default(128),
  /** How often it is looked for what is to be removed. */
  CLEANUP_INTERVAL_MS: z.coerce.number().int().min(1_000).max(86_400_000).default(60_000),
});
