// A replica of push that is killed when a mail server has taken an e-mail of
// it, before it can note so. Started with the store, the mail server, a port
// and the time as arguments.
import { subscribe } from "node:diagnostics_channel";
import { Registry } from "prom-client";
import { createLogger } from "../../runtime/logger.ts";
import { STEPS, type Step } from "../../runtime/steps.ts";
import { EmailQueue } from "./email-queue.ts";
import { openSmtp } from "./smtp.ts";
import { readSmtpUrl } from "./smtp-url.ts";
import { openPushStore } from "./store.ts";

const [url = "", smtpUrl = "", now = ""] = process.argv.slice(2);
const server = readSmtpUrl(smtpUrl);
if (typeof server === "string") throw new Error(server);
const logger = createLogger({ name: "replica", level: "silent" });
const { emails: store, preferences } = await openPushStore(url, logger);
const addressee = { name: "Jürgen Größe", email: "juergen@example.com", language: "de", country: "DE" };

subscribe(STEPS, (step) => {
  if ((step as Step).name === "push.email.sent") process.kill(process.pid, "SIGKILL");
});
const queue = new EmailQueue({
  ...{ store, preferences, logger, metrics: new Registry(), publicUrl: undefined },
  from: { name: "Bücher & Co.", address: "shop@books.example" },
  findAddressee: async () => addressee,
  send: openSmtp(server, { connections: 1 }).send,
  now: () => new Date(now),
});
await queue.look();
