import { Registry } from "prom-client";
import { createLogger } from "../../runtime/logger.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { startPush } from "../../test/support/service.ts";
import { EmailQueue } from "./email-queue.ts";
import type { Addressee } from "./email-text.ts";
import { openSmtp } from "./smtp.ts";
import { readSmtpUrl } from "./smtp-url.ts";
import type { TestMailServer } from "./testing-smtp.ts";

export const FROM = { name: "Bücher & Co.", address: "shop@books.example" };
export const JUERGEN: Addressee = { name: "Jürgen Größe", email: "juergen@example.com", language: "zh-CN", country: "CN" };
export const MINUTE_MS = 60_000;

export interface QueueOptions {
  url: string;
  publicUrl?: string;
  addressee?: Addressee | undefined;
  ca?: string;
}

/** Push, and what sends its e-mails by a clock that is set by hand. */
export async function startEmails(options: QueueOptions) {
  await using stack = new AsyncDisposableStack();
  let nowMs = Date.parse("2026-11-21T12:00:00Z");
  const now = () => new Date(nowMs);
  const { addressee = JUERGEN, publicUrl, ca } = options;
  let known: Addressee | undefined = addressee;
  let away = false;
  const findReader = async () => {
    if (away) throw new Error("register is away");
    return known;
  };
  const push = stack.use(await startPush({ emails: true, now, findReader }));
  const server = readSmtpUrl(options.url);
  if (typeof server === "string") throw new Error(server);
  const logs = new LogLines();
  const opened: { close(): void }[] = [];
  stack.defer(() => {
    for (const smtp of opened) smtp.close();
  });
  const sender = () => {
    const smtp = openSmtp(server, { connections: 2, ...(ca !== undefined && { tls: { ca, host: "localhost" } }) });
    opened.push(smtp);
    const metrics = new Registry();
    const logger = createLogger({ name: "test", level: "debug", destination: logs });
    const { emails: store, preferences } = push.store;
    const queue = new EmailQueue({
      ...{ store, preferences, from: FROM, publicUrl, findAddressee: findReader, send: smtp.send, now, logger, metrics },
    });
    return { look: () => queue.look(), metrics };
  };
  const first = sender();
  const owned = stack.move();
  return {
    ...{ push, logs, now, sender, look: first.look },
    waiting: () => push.store.emails.count(),
    async outcomes() {
      const metric = await first.metrics.getSingleMetric("bookmesh_emails_total")?.get();
      return Object.fromEntries(metric?.values.map(({ labels, value }) => [labels.outcome, value]) ?? []);
    },
    /** Lets time pass, then looks for what is due. */
    async pass(ms: number) {
      nowMs += ms;
      await first.look();
    },
    setAway: (value: boolean) => {
      away = value;
    },
    forgetUser: () => {
      known = undefined;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Where it is, for mail without TLS. */
export function plain(server: TestMailServer): string {
  return `smtp://127.0.0.1:${server.port}?tls=never`;
}
