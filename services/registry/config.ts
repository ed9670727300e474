import { z } from "zod";
import { databaseUrl, port, serviceSettings } from "../../runtime/config.ts";

export const configSchema = z.object({
  // Every instance of every service holds its lease by a stream.
  ...serviceSettings("registry", { port: 50050, adminPort: 9050, maxOpenStreams: 4_000 }),
  /** Where the dashboard is served. */
  HTTP_PORT: port.default(8500),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/registry.db"),
  /** How long an instance stays without a word of it. */
  LEASE_MS: z.coerce.number().int().min(1_000).max(600_000).default(10_000),
  /** How often a healthy instance is asked whether it still is. */
  PROBE_INTERVAL_MS: z.coerce.number().int().min(100).max(600_000).default(10_000),
  /** How long instances have to come back after a start, before clients are told of anything: what they have is newer until then. */
  WARM_UP_MS: z.coerce.number().int().min(0).max(600_000).default(3_000),
  /** How soon the rules that another registry has stored are in force here. */
  POLL_INTERVAL_MS: z.coerce.number().int().min(50).max(60_000).default(250),
});
