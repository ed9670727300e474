import { z } from "zod";
import { databaseUrl, peer, serviceSettings } from "../../runtime/config.ts";
import { consumerSettings } from "../../runtime/events/config.ts";
import { readMailbox } from "./mail.ts";
import { readSmtpUrl } from "./smtp-url.ts";

const settings = z.object({
  // Whoever is on the page subscribes.
  ...serviceSettings("push", { port: 50054, adminPort: 9054, maxOpenStreams: 12_000 }),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/push.db"),
  REGISTER_HOST: peer("register", 50053),
  ORDERS_HOST: peer("orders", 50055),
  REVIEWS_HOST: peer("reviews", 50056),
  ...consumerSettings(),
  /** How soon subscribers hear of Notifications that another replica has stored, and e-mails leave. */
  POLL_INTERVAL_MS: z.coerce.number().int().min(50).max(60_000).default(1_000),
  /** How long users can look up what they were told: at least twice EVENT_RETENTION_DAYS. */
  NOTIFICATION_RETENTION_DAYS: z.coerce.number().int().min(1).max(3_650).default(365),
  /** The mail server. Without it there are no e-mails. */
  SMTP_URL: z
    .string()
    .transform((text, context) => {
      const server = readSmtpUrl(text);
      if (typeof server !== "string") return server;
      context.addIssue({ code: "custom", message: server });
      return z.NEVER;
    })
    .optional(),
  /** Whom e-mails are from. */
  MAIL_FROM: z
    .string()
    .transform((text, context) => {
      const mailbox = readMailbox(text);
      if (mailbox !== undefined) return mailbox;
      context.addIssue({ code: "custom", message: "Expected an address, or Name <address>" });
      return z.NEVER;
    })
    .optional(),
  /** Where browsers find the shop: what e-mails link to. */
  PUBLIC_URL: z.url({ protocol: /^https?$/, error: "Expected http://… or https://…" }).optional(),
});

export const configSchema = settings.refine(({ SMTP_URL, MAIL_FROM }) => SMTP_URL === undefined || MAIL_FROM !== undefined, {
  path: ["MAIL_FROM"],
  error: "Expected an address, or Name <address>, as SMTP_URL is set",
});
