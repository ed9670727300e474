import { z } from "zod";
import { databaseUrl, peerAddress, serviceSettings } from "../../runtime/config.ts";

export const configSchema = z.object({
  ...serviceSettings({ port: 50051, adminPort: 9051 }),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/recommendations.db"),
  MARKETPLACE_HOST: peerAddress(50052).prefault("localhost"),
});
