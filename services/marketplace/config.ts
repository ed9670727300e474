import { z } from "zod";
import { databaseUrl, peer, port, serviceSettings } from "../../runtime/config.ts";

export const configSchema = z.object({
  ...serviceSettings("marketplace", { port: 50052, adminPort: 9052 }),
  /** Where the storefront is served. */
  HTTP_PORT: port.default(5000),
  /** Where browsers find the storefront. Cookies of sessions are for https alone if it begins with that. */
  PUBLIC_URL: z.url({ protocol: /^https?$/, error: "Expected http://… or https://…" }).optional(),
  /** The reverse proxies in front of the storefront, whose X-Forwarded-For is believed. */
  TRUSTED_PROXIES: z
    .string()
    .default("")
    .transform((list) =>
      list
        .split(",")
        .map((one) => one.trim())
        .filter((one) => one !== ""),
    )
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], { error: "Expected IP addresses and networks" }))),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/marketplace.db"),
  RECOMMENDATIONS_HOST: peer("recommendations", 50051),
  REGISTER_HOST: peer("register", 50053),
  PUSH_HOST: peer("push", 50054),
  ORDERS_HOST: peer("orders", 50055),
  REVIEWS_HOST: peer("reviews", 50056),
  DOCUMENTS_HOST: peer("documents", 50057),
  /** How soon followers of the catalogue hear of changes that another process has made. */
  POLL_INTERVAL_MS: z.coerce.number().int().min(50).max(60_000).default(1_000),
});
