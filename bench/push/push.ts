import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What the process has taken so far. */
export interface Usage {
  residentBytes: number;
  /** User and system together. */
  cpuMs: number;
}

/** Push in a process of its own, as it is run in earnest. Bind it with `await using`, which ends it. */
export class Push implements AsyncDisposable {
  readonly port: number;
  readonly #adminPort: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, { port, adminPort }: { port: number; adminPort: number }) {
    this.#child = child;
    this.port = port;
    this.#adminPort = adminPort;
  }

  /** Resolves when it listens. */
  static async start(env: Readonly<Record<string, string>>): Promise<Push> {
    const main = fileURLToPath(new URL("../../services/push/main.ts", import.meta.url));
    const alone = { REGISTRIES: "none", ORDERS_HOST: "127.0.0.1:1", REVIEWS_HOST: "127.0.0.1:1" };
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env.PATH, PORT: "0", ADMIN_PORT: "0", LOG_LEVEL: "info", ...alone, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const listening = Promise.withResolvers<{ port: number; adminPort: number }>();
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.includes('"listening"')) listening.resolve(JSON.parse(line));
    });
    child.once("exit", (code) => listening.reject(new Error(`push ended with ${code}`)));
    return new Push(child, await listening.promise);
  }

  async usage(): Promise<Usage> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8");
    const residentKib = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
    const metrics = await (await fetch(`http://127.0.0.1:${this.#adminPort}/metrics`)).text();
    const cpuSeconds = Number(/^process_cpu_seconds_total\S* (\S+)/m.exec(metrics)?.[1]);
    return { residentBytes: residentKib * 1_024, cpuMs: cpuSeconds * 1_000 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}
