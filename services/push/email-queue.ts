import { Counter, Gauge, type Registry } from "prom-client";
import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";
import { reached } from "../../runtime/steps.ts";
import type { Email, EmailStore } from "./email-store.ts";
import { type Addressee, type EmailTextOptions, writeEmail } from "./email-text.ts";
import { isAddress, MailFailure, type SendMail } from "./mail.ts";
import { isWanted, type PreferenceStore } from "./preferences.ts";
import { quietUntil } from "./quiet-hours.ts";

/** How many e-mails are sent at once. */
export const EMAILS_AT_ONCE = 5;
/** How many e-mails of one kind one user gets within an hour: others may write as many comments as they like. */
const EMAILS_AN_HOUR = 10;
/** Longer than sending takes at most (SEND_MS): a sender that is still there after it has given up. */
const CLAIM_MS = 180_000;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** When a notification is no news any more. */
const GIVE_UP_AFTER_MS = 3 * 86_400_000;

/** What became of an e-mail. */
type Outcome = "sent" | "unwanted" | "too-many" | "unregistered" | "refused" | "expired" | "postponed" | "away";

export interface EmailQueueOptions extends Omit<EmailTextOptions, "unsubscribeToken"> {
  store: EmailStore;
  preferences: Pick<PreferenceStore, "read">;
  /** Asks register, each time: the address of now, which is kept nowhere else. */
  findAddressee(userId: string): Promise<Addressee | undefined>;
  send: SendMail;
  now(): Date;
  logger: Logger;
  metrics: Registry;
}

/**
 * Sends the e-mails of the store, each at least once and as a rule once: one
 * that was sent by a process that ended before it could note so is sent again,
 * under the same Message-ID, by which receivers know it.
 */
export class EmailQueue {
  readonly #options: EmailQueueOptions;
  readonly #outcomes: Counter<"outcome">;
  #stopped = false;

  constructor(options: EmailQueueOptions) {
    this.#options = options;
    const registers = [options.metrics];
    this.#outcomes = new Counter({
      name: "bookmesh_emails_total",
      help: "Tries to send an e-mail, by what became of them",
      labelNames: ["outcome"],
      registers,
    });
    new Gauge({
      name: "bookmesh_emails_waiting",
      help: "E-mails that are still to be sent",
      registers,
      async collect() {
        // While the store is away, the last number is the best there is.
        await options.store.count().then(
          (count) => this.set(count),
          () => {},
        );
      },
    });
  }

  /** Looks every `intervalMs` milliseconds. @returns stops it, after the e-mails in hand. */
  start(intervalMs: number): () => Promise<void> {
    const stop = pollEvery(
      intervalMs,
      () => this.look(),
      (error) => this.#options.logger.warn({ err: error }, "could not look for e-mails to send"),
    );
    return async () => {
      this.#stopped = true;
      await stop();
    };
  }

  /** Sends what is due, until nothing more is or no mail is taken. */
  async look(): Promise<void> {
    while (!this.#stopped) {
      const now = this.#options.now();
      const until = new Date(now.getTime() + CLAIM_MS);
      const emails = await this.#options.store.claim({ now, until, limit: EMAILS_AT_ONCE });
      if (emails.length === 0) return;
      const results = await Promise.allSettled(emails.map((email) => this.#handle(email)));
      // Not before all are done with: the store may be closed when this look is over.
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      if (results.some((result) => result.status === "fulfilled" && result.value === "away")) return;
    }
  }

  async #handle(email: Email): Promise<Outcome> {
    const outcome = await this.#try(email);
    this.#outcomes.inc({ outcome });
    if (outcome !== "postponed" && outcome !== "away") await this.#options.store.remove(email);
    return outcome;
  }

  async #try(email: Email): Promise<Outcome> {
    const { store, now, logger } = this.#options;
    const { id, userId, kind, attempts } = email;
    const time = now();
    const preferences = await this.#options.preferences.read(userId);
    if (!isWanted(preferences, kind, "email")) return "unwanted";
    const quiet = quietUntil(preferences.quietHours, time);
    if (quiet !== undefined) {
      await store.postpone(email, { until: quiet, attempts });
      return "postponed";
    }
    if (!(await store.takeTurn(email, { now: time, limit: EMAILS_AN_HOUR }))) {
      logger.info({ email: id, kind }, "an e-mail is left out: too many of its kind within an hour");
      return "too-many";
    }
    try {
      const addressee = await this.#addressee(userId);
      if (addressee === undefined) return "unregistered";
      if (!isAddress(addressee.email)) throw new MailFailure("refused", "not an address");
      const unsubscribeToken = await store.unsubscribeToken(userId);
      if (unsubscribeToken === undefined) return "unregistered";
      await this.#options.send(writeEmail(email, addressee, { ...this.#options, unsubscribeToken }));
      reached("push.email.sent");
      return "sent";
    } catch (error) {
      if (!(error instanceof MailFailure)) logger.error({ err: error, email: id }, "unexpected error while sending an e-mail");
      const failure = error instanceof MailFailure ? error : new MailFailure("later", "unexpected error");
      // Neither the address nor what the server has said, which may repeat it.
      const line = { email: id, kind, attempts: attempts + 1, reason: failure.message };
      const expired = time.getTime() - email.createdAt.getTime() > GIVE_UP_AFTER_MS;
      if (failure.kind === "refused" || expired) {
        logger.warn(line, "an e-mail is given up");
        return failure.kind === "refused" ? "refused" : "expired";
      }
      logger.warn(line, "an e-mail was not sent: tried again");
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** attempts, LONGEST_PAUSE_MS);
      await store.postpone(email, { until: new Date(time.getTime() + pause), attempts: attempts + 1 });
      return failure.kind === "away" ? "away" : "postponed";
    }
  }

  async #addressee(userId: string): Promise<Addressee | undefined> {
    try {
      return await this.#options.findAddressee(userId);
    } catch {
      throw new MailFailure("away", "register did not answer");
    }
  }
}
