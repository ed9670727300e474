import { z } from "zod";
import { databaseUrl, peer, port, serviceSettings } from "../../runtime/config.ts";

export const configSchema = z.object({
  ...serviceSettings("marketplace", { port: 50052, adminPort: 9052 }),
  /** Where the storefront is served. */
  HTTP_PORT: port.default(5000),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/marketplace.db"),
  RECOMMENDATIONS_HOST: peer("recommendations", 50051),
  REGISTER_HOST: peer("register", 50053),
  /** How soon followers of the catalogue hear of changes that another process has made. */
  POLL_INTERVAL_MS: z.coerce.number().int().min(50).max(60_000).default(1_000),
});
