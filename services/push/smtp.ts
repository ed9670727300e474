import type { ConnectionOptions } from "node:tls";
import { createTransport } from "nodemailer";
import { type Mail, MailFailure, type SendMail } from "./mail.ts";
import type { MailServer } from "./smtp-url.ts";

const CONNECT_MS = 10_000;
/** How long the server may say nothing. */
const SILENCE_MS = 30_000;
/** How long one e-mail may take. */
export const SEND_MS = 60_000;

export interface Smtp {
  send: SendMail;
  close(): void;
}

/** @param options.tls whom to trust besides those whom the system trusts. */
export function openSmtp(server: MailServer, options: { connections: number; tls?: ConnectionOptions }): Smtp {
  const { host, port, implicitTls, plaintext, user, password } = server;
  const transport = createTransport({
    ...{ host, port, secure: implicitTls, requireTLS: !implicitTls && !plaintext, ignoreTLS: plaintext },
    ...(user !== undefined && password !== undefined && { auth: { user, pass: password } }),
    ...(options.tls && { tls: options.tls }),
    ...{ connectionTimeout: CONNECT_MS, greetingTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
    // The queue tries again, not the pool.
    ...{ pool: true, maxConnections: options.connections, maxRequeues: 0 },
    // Nothing that an e-mail says is fetched.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  return {
    async send(mail) {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => late.reject(new MailFailure("away", "took too long")), SEND_MS);
      try {
        await Promise.race([transport.sendMail(messageOf(mail)), late.promise]);
      } catch (error) {
        throw error instanceof MailFailure ? error : failureOf(error);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => transport.close(),
  };
}

function messageOf({ messageId, from, to, headers, ...rest }: Mail) {
  return {
    ...rest,
    ...{ messageId: `<${messageId}>`, from, to, envelope: { from: from.address, to: [to.address] } },
    headers: { ...headers },
    xMailer: false as const,
  };
}

/** What the server has said of the reader, or of the e-mail; all else is between the server and the shop. */
function failureOf(error: unknown): MailFailure {
  const { code = "", command = "", responseCode } = error as { code?: string; command?: string; responseCode?: number };
  const what = [code, command, responseCode].filter((part) => part !== "" && part !== undefined).join(" ");
  const isAboutThisMail = (code === "EENVELOPE" || code === "EMESSAGE") && command !== "MAIL FROM";
  if (!isAboutThisMail) return new MailFailure("away", what);
  const isFinal = responseCode === undefined || responseCode >= 500;
  return new MailFailure(isFinal ? "refused" : "later", what);
}
