import { availableParallelism } from "node:os";
import { z } from "zod";
import { databaseUrl, port, serviceSettings } from "../../runtime/config.ts";
import { eventSettings } from "../../runtime/events/config.ts";

/** Of the four threads that libuv has by default, one is left for everything else: signatures, names, the log. */
const MOST_THREADS = 3;

export const configSchema = z.object({
  ...serviceSettings("register", { port: 50053, adminPort: 9053 }),
  ...eventSettings(),
  /** Where programs sign in that speak no gRPC. */
  HTTP_PORT: port.default(5002),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/register.db"),
  /** How long a key signs access tokens before the next one does. */
  SIGNING_KEY_DAYS: z.coerce.number().int().min(1).max(365).default(30),
  /** How many passwords are hashed at once. More than three need a larger UV_THREADPOOL_SIZE too. */
  PASSWORDS_AT_ONCE: z.coerce
    .number()
    .int()
    .min(1)
    .max(128)
    .default(Math.max(1, Math.min(MOST_THREADS, availableParallelism() - 1))),
  /** How many may wait for it before more are refused. */
  PASSWORDS_WAITING: z.coerce.number().int().min(1).max(10_000).default(200),
});
