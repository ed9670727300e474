import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A service in a process of its own. */
export class Process {
  readonly service: string;
  readonly port: number;
  readonly adminPort: number;
  readonly #child: ChildProcess;

  private constructor(service: string, child: ChildProcess, { port, adminPort }: { port: number; adminPort: number }) {
    this.service = service;
    this.#child = child;
    this.port = port;
    this.adminPort = adminPort;
  }

  /** Resolves when it listens. */
  static async start(service: string, env: Readonly<Record<string, string>>): Promise<Process> {
    const main = fileURLToPath(new URL(`../../services/${service}/main.ts`, import.meta.url));
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env.PATH, PORT: "0", ADMIN_PORT: "0", HTTP_PORT: "0", LOG_LEVEL: "info", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const listening = Promise.withResolvers<{ port: number; adminPort: number }>();
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.includes('"listening"')) listening.resolve(JSON.parse(line));
    });
    child.once("exit", (code) => listening.reject(new Error(`${service} ended with ${code}`)));
    return new Process(service, child, await listening.promise);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** As the power going. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** In order. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    await once(this.#child, "exit");
  }
}
