import { z } from "zod";
import { databaseUrl, peer, serviceSettings } from "../../runtime/config.ts";

export const configSchema = z.object({
  ...serviceSettings("recommendations", { port: 50051, adminPort: 9051 }),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/recommendations.db"),
  MARKETPLACE_HOST: peer("marketplace", 50052),
  REGISTER_HOST: peer("register", 50053),
});
