import { z } from "zod";
import { databaseUrl, serviceSettings } from "../../runtime/config.ts";

export const configSchema = z.object({
  ...serviceSettings({ port: 50053, adminPort: 9053 }),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/register.db"),
});
