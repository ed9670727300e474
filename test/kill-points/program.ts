import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Ending } from "./end-when-told.ts";

const PRELOAD = fileURLToPath(new URL("end-when-told.ts", import.meta.url));
/** Room for young objects at once: it starts in less time. */
const NODE_ARGS = ["--min-semi-space-size=32", "--max-semi-space-size=32"];
const START_MS = 60_000;
const LAST_LINES = 20;

export interface ProgramOptions {
  service: string;
  /** Its settings, and those of Node. */
  env: Readonly<Record<string, string>>;
  port: number;
  /** What is loaded before it. */
  preloads?: readonly string[] | undefined;
}

/** A service as it is run in production, in a process that can be ended at a step. */
export class Program implements AsyncDisposable {
  readonly #options: ProgramOptions;
  #process: ChildProcess;
  #end = Promise.withResolvers<string>();
  #lines: string[] = [];

  private constructor(options: ProgramOptions) {
    this.#options = options;
    this.#process = this.#spawn();
  }

  /** Resolves when it serves. */
  static async start(options: ProgramOptions): Promise<Program> {
    const program = new Program(options);
    await program.#serving();
    return program;
  }

  get address(): string {
    return `127.0.0.1:${this.#options.port}`;
  }

  /** Ends it, as SIGKILL does, when it comes to a step. */
  async endAt(ending: Ending): Promise<void> {
    const understood = once(this.#process, "message");
    this.#process.send(ending);
    await understood;
  }

  /** @returns whether it was ended as it was told, within a time. */
  async ended(withinMs: number): Promise<boolean> {
    const late = new AbortController();
    const timer = new Promise<string>((resolve) => {
      const timeout = setTimeout(resolve, withinMs, "late");
      late.signal.addEventListener("abort", () => clearTimeout(timeout));
    });
    const how = await Promise.race([this.#end.promise, timer]);
    late.abort();
    if (how !== "SIGKILL" && how !== "late") throw this.#hasFailed(how);
    return how === "SIGKILL";
  }

  /** Starts it again after it was ended. */
  async restart(): Promise<void> {
    this.#end = Promise.withResolvers();
    this.#process = this.#spawn();
    await this.#serving();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#end.promise;
  }

  #spawn(): ChildProcess {
    const { service, env, port, preloads = [] } = this.#options;
    const main = fileURLToPath(new URL(`../../services/${service}/main.ts`, import.meta.url));
    const args = [...NODE_ARGS, ...[PRELOAD, ...preloads].flatMap((file) => ["--import", file]), main];
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      env: { PATH: process.env.PATH, ...env, PORT: String(port), ADMIN_PORT: "0", REGISTRIES: "none" },
    });
    const { resolve } = this.#end;
    child.on("exit", (status, signal) => resolve(signal ?? String(status)));
    return child;
  }

  async #serving(): Promise<void> {
    const serving = Promise.withResolvers<"serving">();
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.#lines = [...this.#lines.slice(1 - LAST_LINES), line];
      if (line.includes('"msg":"listening"')) serving.resolve("serving");
    });
    const late = setTimeout(() => serving.reject(this.#hasFailed("not served")), START_MS);
    const outcome = await Promise.race([serving.promise, this.#end.promise]);
    clearTimeout(late);
    if (outcome !== "serving") throw this.#hasFailed(outcome);
  }

  #hasFailed(how: string): Error {
    return new Error(`${this.#options.service}: ${how}\n${this.#lines.join("\n")}`);
  }
}

/** Below those that the system gives out, so that nobody takes the port of a program while it is started again. */
const PORTS = { from: 20_000, to: 32_000 };

/** A port that is free, and will be for a while. */
export async function lastingPort(): Promise<number> {
  while (true) {
    const port = randomInt(PORTS.from, PORTS.to);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
