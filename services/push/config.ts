import { z } from "zod";
import { databaseUrl, peer, serviceSettings } from "../../runtime/config.ts";

export const configSchema = z.object({
  ...serviceSettings("push", { port: 50054, adminPort: 9054 }),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/push.db"),
  REGISTER_HOST: peer("register", 50053),
  /** How soon subscribers hear of Notifications that another replica has stored. */
  POLL_INTERVAL_MS: z.coerce.number().int().min(50).max(60_000).default(1_000),
});
