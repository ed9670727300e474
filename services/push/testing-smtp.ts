import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

/** An e-mail as it has arrived. */
export interface ReceivedMail {
  from: string;
  to: string[];
  /** By name in lower case, unfolded and decoded. */
  headers: Map<string, string>;
  /** The decoded parts, by their type. */
  parts: Map<string, string>;
  raw: string;
}

export interface MailServerOptions {
  /** The default lets the system choose. */
  port?: number;
  /** PEM. Without it the server has no TLS. */
  certificate?: { key: string; cert: string };
  user?: { name: string; password: string };
}

/** A mail server. Bind it with `await using`, which takes it down. */
export interface TestMailServer extends AsyncDisposable {
  readonly port: number;
  /** What it has taken. */
  readonly mails: ReceivedMail[];
  /** What it says to the next addresses and e-mails, in turn, instead of taking them: "550 no such user". */
  readonly refusals: { sender: string[]; address: string[]; mail: string[] };
  /** Whether each e-mail has come by TLS, and whose it was. */
  readonly sessions: { secure: boolean; user: string }[];
}

export async function startMailServer(options: MailServerOptions = {}): Promise<TestMailServer> {
  const mails: ReceivedMail[] = [];
  const sessions: TestMailServer["sessions"] = [];
  const refusals: TestMailServer["refusals"] = { sender: [], address: [], mail: [] };
  const { certificate, user } = options;
  const server = new SMTPServer({
    ...{ authOptional: user === undefined, disableReverseLookup: true, logger: false, closeTimeout: 10 },
    disabledCommands: [
      ...(certificate === undefined ? ["STARTTLS" as const] : []),
      ...(user === undefined ? ["AUTH" as const] : []),
    ],
    ...certificate,
    onAuth({ username, password }, _session, done) {
      const known = username === user?.name && password === user?.password;
      done(known ? null : new Error("Invalid login"), known ? { user: username } : undefined);
    },
    onMailFrom: (_address, _session, done) => done(refusal(refusals.sender)),
    onRcptTo: (_address, _session, done) => done(refusal(refusals.address)),
    async onData(stream, session, done) {
      const raw = Buffer.concat(await Array.fromAsync(stream)).toString("latin1");
      const refused = refusal(refusals.mail);
      if (refused !== null) return done(refused);
      const { mailFrom, rcptTo } = session.envelope;
      mails.push({ from: mailFrom ? mailFrom.address : "", to: rcptTo.map(({ address }) => address), ...parse(raw) });
      sessions.push({ secure: session.secure, user: `${session.user ?? ""}` });
      done();
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    ...{ port, mails, refusals, sessions },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

function refusal(answers: string[]): Error | null {
  const answer = answers.shift();
  if (answer === undefined) return null;
  return Object.assign(new Error(answer.slice(4)), { responseCode: Number(answer.slice(0, 3)) });
}

function parse(raw: string): Pick<ReceivedMail, "headers" | "parts" | "raw"> {
  const { headers, body } = entity(raw);
  const boundary = /boundary="?([^";]+)/.exec(headers.get("content-type") ?? "")?.[1];
  const entities = boundary === undefined ? [{ headers, body }] : body.split(`--${boundary}`).slice(1, -1).map(entity);
  return { headers, parts: new Map(entities.map((part) => [typeOf(part.headers), decoded(part)])), raw };
}

interface Entity {
  headers: Map<string, string>;
  body: string;
}

function entity(text: string): Entity {
  const [head = "", ...rest] = text.replace(/^\r\n/, "").split("\r\n\r\n");
  const lines = head.replaceAll(/\r\n[ \t]+/g, " ").split("\r\n");
  const headers = lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), words(line.slice(line.indexOf(":") + 1))]);
  return { headers: new Map(headers as [string, string][]), body: rest.join("\r\n\r\n") };
}

function typeOf(headers: Map<string, string>): string {
  return (headers.get("content-type") ?? "").split(";")[0] ?? "";
}

function decoded({ headers, body }: Entity): string {
  const encoding = headers.get("content-transfer-encoding");
  if (encoding === "base64") return Buffer.from(body, "base64").toString();
  const bytes = encoding === "quoted-printable" ? unquoted(body.replaceAll("=\r\n", "")) : body;
  return Buffer.from(bytes, "latin1").toString().replaceAll("\r\n", "\n").trimEnd();
}

/** A header with its encoded words (RFC 2047) decoded. */
function words(text: string): string {
  return text
    .trim()
    .replaceAll(/\?=\s+=\?/g, "?==?")
    .replaceAll(/(?:=\?utf-8\?[BQ]\?[^?]*\?=)+/gi, (run) => {
      const bytes = [...run.matchAll(/=\?utf-8\?([BQ])\?([^?]*)\?=/gi)].map(([, how, word = ""]) =>
        how?.toUpperCase() === "B" ? Buffer.from(word, "base64") : Buffer.from(unquoted(word.replaceAll("_", " ")), "latin1"),
      );
      return Buffer.concat(bytes).toString();
    });
}

function unquoted(text: string): string {
  return text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
