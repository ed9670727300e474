import { EMAILS_AT_ONCE, EmailQueue, type EmailQueueOptions } from "./email-queue.ts";
import type { Mailbox } from "./mail.ts";
import { openSmtp } from "./smtp.ts";
import type { MailServer } from "./smtp-url.ts";
import type { PushStore } from "./store.ts";

export interface EmailsOptions extends Pick<EmailQueueOptions, "findAddressee" | "now" | "logger" | "metrics"> {
  store: PushStore;
  smtpUrl?: MailServer | undefined;
  mailFrom?: Mailbox | undefined;
  publicUrl?: string | undefined;
  pollIntervalMs: number;
}

/** Begins to send e-mails, if there is a mail server. @returns stops it, after the e-mails in hand. */
export function startEmails(options: EmailsOptions): () => Promise<void> {
  const { smtpUrl, store, mailFrom: from, publicUrl } = options;
  if (smtpUrl === undefined || from === undefined) return async () => {};
  const smtp = openSmtp(smtpUrl, { connections: EMAILS_AT_ONCE });
  const { emails, preferences } = store;
  const queue = new EmailQueue({ ...options, from, publicUrl, store: emails, preferences, send: smtp.send });
  const stop = queue.start(options.pollIntervalMs);
  return async () => {
    await stop();
    smtp.close();
  };
}
