import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { CANARY } from "./values.ts";

/** The access tokens of users whom the target knows. */
export interface Tokens {
  readonly administrator: string;
  readonly user: string;
}

/** One server of the target. */
export interface Place {
  readonly name: string;
  readonly port: number;
  /** The full names of its services, health and reflection not among them. */
  readonly services: readonly string[];
  readonly tokens: Tokens;
}

/** What the target says of itself. */
export interface Vitals {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
}

/** What the target sends. */
export type TargetMessage =
  | { type: "ready"; places: readonly Omit<Place, "tokens">[]; tokens: Tokens }
  | { type: "vitals"; vitals: Vitals }
  | { type: "trouble"; what: string };

const MODULE = fileURLToPath(new URL("target.ts", import.meta.url));
/** Room for young objects is taken at once, and not when there is much to do: it is nothing that callers add. */
const NODE_ARGS = [
  "--expose-gc",
  "--min-semi-space-size=16",
  "--max-semi-space-size=16",
  "--disable-warning=ExperimentalWarning",
];

/** The C library gives back what is freed, and does not keep it for later. */
const MALLOC =
  "glibc.malloc.mmap_threshold=32768:glibc.malloc.mmap_max=1000000:glibc.malloc.trim_threshold=65536:glibc.malloc.arena_max=1";

/** All servers of the repository in one process of their own. */
export class TargetProcess implements AsyncDisposable {
  places: readonly Place[] = [];
  /** Unhandled rejections, warnings, and words of the process that it should not say. */
  readonly troubles: string[] = [];
  /** How it has ended, if it has. */
  exit: string | undefined;
  readonly #process: ChildProcess;
  readonly #vitals: ((vitals: Vitals | undefined) => void)[] = [];

  private constructor() {
    const env = { ...process.env, GLIBC_TUNABLES: MALLOC };
    this.#process = fork(MODULE, { execArgv: NODE_ARGS, env, stdio: ["ignore", "pipe", "pipe", "ipc"] });
    this.#process.on("exit", (status, signal) => {
      this.exit = signal ?? String(status);
      for (const answer of this.#vitals) answer(undefined);
    });
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output?.setEncoding("utf8").on("data", (text: string) => {
        if (text.includes(CANARY)) this.troubles.push(`a canary on its output: ${text.slice(0, 200)}`);
        else this.troubles.push(`output: ${text.slice(0, 2_000)}`);
      });
    }
  }

  /** @param security "mutual TLS" takes a certificate of every caller. */
  static async start(): Promise<TargetProcess> {
    const target = new TargetProcess();
    await new Promise<void>((resolve, reject) => {
      const failed = () => reject(new Error(`the target has not started: ${target.exit} ${target.troubles.join("\n")}`));
      target.#process.once("exit", failed);
      target.#process.on("message", (message: TargetMessage) => {
        if (message.type === "trouble") {
          target.troubles.push(message.what);
          // It would never be ready: the process goes on whatever happens in it.
          if (target.places.length === 0) failed();
        }
        if (message.type === "vitals") target.#vitals.shift()?.(message.vitals);
        if (message.type !== "ready") return;
        target.#process.off("exit", failed);
        target.places = message.places.map((place) => ({ ...place, tokens: message.tokens }));
        resolve();
      });
    });
    return target;
  }

  /** Where a service is served: health and reflection by every server. */
  placeOf(service: string): Place {
    const place = this.places.find(({ services }) => services.includes(service)) ?? this.places[0];
    const everywhere = service.startsWith("grpc.");
    if (place === undefined || !(everywhere || place.services.includes(service))) throw new Error(`nobody serves ${service}`);
    return place;
  }

  /** What it takes when its garbage has been taken away: Node itself lets it lie for as long as there is room. */
  vitals(): Promise<Vitals | undefined> {
    if (this.exit !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#vitals.push(resolve);
      this.#process.send({ type: "look" }, () => {});
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.exit !== undefined) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
  }
}
