import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** One line of the log: of a service, or of the supervisor ("bookmesh"). */
export interface LogLine {
  name: string;
  msg: string;
  pid?: number;
  [key: string]: unknown;
}

/** The whole shop, as `npm start` runs it, on free ports and with an empty data folder. */
export class Shop implements AsyncDisposable {
  readonly data: string;
  readonly lines: LogLine[] = [];
  storefront = "";
  grpc: Record<string, string> = {};
  readonly #process: ChildProcess;
  readonly #arrivals = new EventTarget();
  readonly #closed: Promise<unknown[]>;

  private constructor(data: string) {
    this.data = data;
    const names = ["REGISTER", "MARKETPLACE", "RECOMMENDATIONS", "PUSH"];
    const ports = names.flatMap((name) => [
      [`${name}_PORT`, "0"],
      [`${name}_ADMIN_PORT`, "0"],
    ]);
    const env = { PATH: process.env.PATH, ...Object.fromEntries(ports), MARKETPLACE_HTTP_PORT: "0" };
    this.#process = spawn(process.execPath, [MAIN, "up", "--data", data, "--log-format", "json"], { env });
    this.#closed = once(this.#process, "close");
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.lines.push(JSON.parse(line));
      this.#arrivals.dispatchEvent(new Event("line"));
    });
  }

  /** Resolves when every server of the shop serves. */
  static async open(): Promise<Shop> {
    const shop = new Shop(await mkdtemp(join(tmpdir(), "bookmesh-shop-")));
    const ready = await shop.line(({ msg }) => msg.startsWith("ready in"));
    shop.storefront = String(ready.storefront);
    shop.grpc = ready.grpc as Record<string, string>;
    return shop;
  }

  /** The first line that fits, now or later. */
  async line(fits: (line: LogLine) => boolean): Promise<LogLine> {
    while (true) {
      const found = this.lines.find(fits);
      if (found !== undefined) return found;
      await once(this.#arrivals, "line");
    }
  }

  /** A page of the storefront as text. */
  async page(path: string): Promise<string> {
    return (await fetch(`${this.storefront}${path}`)).text();
  }

  /** As Ctrl-C. @returns the exit status. */
  async stop(): Promise<number> {
    this.#process.kill("SIGINT");
    const [status] = await this.#closed;
    return status as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) await this.stop();
    await rm(this.data, { recursive: true, force: true });
  }
}
