import { z } from "zod";

/** The settings of every service that handles the events of others. */
export function consumerSettings() {
  return {
    /** The broker that carries events: amqp://user:password@host:port/vhost, or amqps. Without it they go by gRPC, from the log of their source. */
    AMQP_URL: z
      .string()
      .refine((url) => /^amqps?:\/\/./.test(url) && URL.canParse(url), "Expected amqp://user:password@host")
      .optional(),
    /** How long logs keep what has happened. */
    EVENT_RETENTION_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  };
}

/** The settings of every service that tells others of events. */
export function eventSettings() {
  return {
    ...consumerSettings(),
    /** How soon it is noticed what another replica has noted in the log. */
    EVENT_POLL_INTERVAL_MS: z.coerce.number().int().min(50).max(60_000).default(1_000),
  };
}
