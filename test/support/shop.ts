import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Channel } from "nice-grpc";
import pino from "pino";
import { services, settingOf } from "../../cli/services.ts";
import { openChannel } from "../../clients/channel.ts";
import { Credentials } from "../../runtime/credentials.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
/** Each shop has an empty data folder, where the compiled code would be: to share it spares every shop but the first a part of its start. */
const COMPILE_CACHE = join(tmpdir(), "bookmesh-compile-cache");

/** One line of the log: of a service, or of the supervisor ("bookmesh"). */
export interface LogLine {
  name: string;
  msg: string;
  pid?: number;
  [key: string]: unknown;
}

export interface ShopOptions {
  /** What `bookmesh up` is given besides, such as "--replicas". */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** A process of the shop that listens. */
export interface ShopProcess {
  readonly service: string;
  readonly pid: number;
  readonly port: number;
  readonly adminPort: number;
}

/** The whole shop, as `npm start` runs it, on free ports and with an empty data folder. */
export class Shop implements AsyncDisposable {
  readonly data: string;
  readonly lines: LogLine[] = [];
  /** What was written to standard error. */
  stderr = "";
  storefront = "";
  dashboard = "";
  grpc: Record<string, string> = {};
  readonly #credentials = new Map<string, Promise<Credentials>>();
  readonly #process: ChildProcess;
  readonly #arrivals = new EventTarget();
  readonly #closed: Promise<unknown[]>;

  private constructor(data: string, { args = [], env: ownEnv = {} }: ShopOptions) {
    this.data = data;
    const ports = services.flatMap((service) => Object.keys(service.ports).map((port) => [settingOf(service, port), "0"]));
    const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILE_CACHE, ...Object.fromEntries(ports), ...ownEnv };
    this.#process = spawn(process.execPath, [MAIN, "up", "--data", data, "--log-format", "json", ...args], { env });
    this.#closed = once(this.#process, "close");
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.lines.push(JSON.parse(line));
      this.#arrivals.dispatchEvent(new Event("line"));
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
  }

  /** Resolves when every server of the shop serves. */
  static async open(options: ShopOptions = {}): Promise<Shop> {
    const shop = new Shop(await mkdtemp(join(tmpdir(), "bookmesh-shop-")), options);
    const ready = await shop.line(({ msg }) => msg.startsWith("ready in"));
    shop.storefront = String(ready.storefront);
    shop.dashboard = String(ready.dashboard);
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

  /** The processes of a service that were started so far, in the order in which they listened. */
  processesOf(service: string): ShopProcess[] {
    return this.lines
      .filter(({ msg, port }) => msg === "listening" && port !== undefined)
      .map((line) => ({
        service: String(line.name),
        pid: Number(line.pid),
        port: Number(line.port),
        adminPort: Number(line.adminPort),
      }))
      .filter((process) => process.service.replace(/-\d+$/, "") === service);
  }

  /** A page of the storefront as text. */
  async page(path: string): Promise<string> {
    return (await fetch(`${this.storefront}${path}`)).text();
  }

  /** The credentials of an identity of this mesh. They are closed with the shop. */
  credentials(name: string): Promise<Credentials> {
    const known = this.#credentials.get(name);
    if (known !== undefined) return known;
    const opened = this.#issue(name).then((folder) => Credentials.open({ folder, logger: pino({ level: "silent" }) }));
    this.#credentials.set(name, opened);
    return opened;
  }

  async #issue(name: string): Promise<string> {
    const folder = join(this.data, "credentials", name);
    if (!existsSync(folder)) await promisify(execFile)(process.execPath, [MAIN, "certs", "issue", name, "--data", this.data]);
    return folder;
  }

  /** A channel to one process, as an identity of this mesh. The caller closes it. */
  async channel(service: string, as: string, address = String(this.grpc[service])): Promise<Channel> {
    return openChannel(address, { service, credentials: await this.credentials(as) });
  }

  /** As Ctrl-C. @returns the exit status. */
  async stop(): Promise<number> {
    this.#process.kill("SIGINT");
    const [status] = await this.#closed;
    return status as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const credentials of this.#credentials.values()) (await credentials).close();
    if (this.#process.exitCode === null) await this.stop();
    await rm(this.data, { recursive: true, force: true });
  }
}
