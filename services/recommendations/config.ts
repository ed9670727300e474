import { z } from "zod";
import { databaseUrl, peer, serviceSettings } from "../../runtime/config.ts";
import { consumerSettings } from "../../runtime/events/config.ts";

export const configSchema = z.object({
  ...serviceSettings("recommendations", { port: 50051, adminPort: 9051 }),
  ...consumerSettings(),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/recommendations.db"),
  MARKETPLACE_HOST: peer("marketplace", 50052),
  REGISTER_HOST: peer("register", 50053),
  ORDERS_HOST: peer("orders", 50055),
  REVIEWS_HOST: peer("reviews", 50056),
  /** The folder in which the model is kept. Without it a new process recommends by the catalogue alone until it has learned. */
  MODEL_DIR: z.string().min(1).default(".bookmesh/recommendations"),
  /** How often to learn from what readers have done. */
  TRAINING_INTERVAL_MS: z.coerce.number().int().min(50).max(3_600_000).default(5_000),
  /** How much memory that may take, in MiB: enough for some hundred thousand readers. */
  TRAINING_MEMORY_MIB: z.coerce.number().int().min(16).max(65_536).default(256),
});
