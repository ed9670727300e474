import { z } from "zod";
import { databaseUrl, peer, serviceSettings } from "../../runtime/config.ts";
import { eventSettings } from "../../runtime/events/config.ts";

export const configSchema = z.object({
  ...serviceSettings("reviews", { port: 50056, adminPort: 9056 }),
  ...eventSettings(),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/reviews.db"),
  REGISTER_HOST: peer("register", 50053),
  MARKETPLACE_HOST: peer("marketplace", 50052),
});
