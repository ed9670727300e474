import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { pythonWithSmtp } from "./requirements.ts";

/** A mail server of our own, which delivers to a folder. */
export interface MailServer extends AsyncDisposable {
  readonly url: string;
  /** Every e-mail that was delivered, as it came. */
  mails(): string[];
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts a mail server (Debian's python3-aiosmtpd). Dispose stops it and removes what was delivered. @param port a free one. */
export async function startMailServer(port: number): Promise<MailServer> {
  const python = pythonWithSmtp();
  if (python === undefined) throw new Error("there is no mail server on this machine");
  const folder = mkdtempSync(join(tmpdir(), "bookmesh-mail-"));
  const delivered = join(folder, "mail", "new");
  const run = async () => {
    const handler = ["-c", "aiosmtpd.handlers.Mailbox", join(folder, "mail")];
    const child = spawn(python, ["-m", "aiosmtpd", "--nosetuid", "--listen", `127.0.0.1:${port}`, ...handler], {
      stdio: "ignore",
    });
    await eventually(() => listens(port));
    return child;
  };
  let child = await run();
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  return {
    url: `smtp://127.0.0.1:${port}?tls=never`,
    mails: () => (existsSync(delivered) ? readdirSync(delivered).map((name) => readFileSync(join(delivered, name), "utf8")) : []),
    stop,
    async start() {
      child = await run();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
