/** How to reach a mail server. */
export interface MailServer {
  host: string;
  port: number;
  /** TLS from the first byte on; otherwise by STARTTLS. */
  implicitTls: boolean;
  /** Whether mail may be sent without TLS. */
  plaintext: boolean;
  user: string | undefined;
  password: string | undefined;
}

const PORTS: Readonly<Record<string, number>> = { "smtp:": 587, "smtps:": 465 };

/**
 * Reads smtp://user:password@host:port or smtps://….
 *
 * smtp means STARTTLS, and no mail to a server that does not have it, unless
 * the URL ends in ?tls=never. Then there is no password either.
 *
 * @returns what is wrong with it, where something is. It does not repeat the URL, which may hold a password.
 */
export function readSmtpUrl(text: string): MailServer | string {
  if (!URL.canParse(text)) return "Expected smtp://user:password@host:port or smtps://…";
  const url = new URL(text);
  const port = PORTS[url.protocol];
  if (port === undefined || url.hostname === "") return "Expected smtp://user:password@host:port or smtps://…";
  const tls = url.searchParams.get("tls");
  const others = [...url.searchParams.keys()].filter((name) => name !== "tls");
  if (others.length > 0 || (tls !== null && tls !== "never")) return "Expected no parameter but tls=never";
  const plaintext = tls === "never";
  const implicitTls = url.protocol === "smtps:";
  if (plaintext && implicitTls) return "Expected smtp://… with tls=never";
  if (plaintext && url.password !== "") return "Expected no password where there is no TLS";
  if ((url.username === "") !== (url.password === "")) return "Expected both a user and a password, or neither";
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? port : Number(url.port),
    ...{ implicitTls, plaintext },
    user: url.username === "" ? undefined : decodeURIComponent(url.username),
    password: url.password === "" ? undefined : decodeURIComponent(url.password),
  };
}
