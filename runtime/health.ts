import { EventEmitter, on } from "node:events";
import { ServerError, Status } from "nice-grpc-common";
import { type HealthServiceImplementation, HealthCheckResponse_ServingStatus as Serving } from "../gen/health/v1/health.ts";
import type { Logger } from "./logger.ts";

/** Resolves when what a service needs is there; rejects with the reason when it is not. */
export type HealthCheck = () => Promise<void>;

/** The name under which grpc.health.v1 knows the process as a whole. */
const OVERALL = "";
const CHECK_EVERY_MS = 2_000;
/** Sooner while something is missing: others wait for it to come back. */
const CHECK_AGAIN_MS = 250;
const CHECK_TIMEOUT_MS = 2_000;

/**
 * What grpc.health.v1 and /readyz say about this process.
 *
 * Each service has a check, which is run every two seconds while it passes and
 * four times a second while it does not. The process as a whole serves when every
 * service does.
 */
export class Health {
  readonly #checks: ReadonlyMap<string, HealthCheck>;
  readonly #logger: Logger;
  readonly #statuses = new Map<string, boolean>();
  /** Services whose failure has been logged, so that it is logged once and not four times a second. */
  readonly #complaints = new Set<string>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param checks by the full name of the service. */
  constructor(checks: Readonly<Record<string, HealthCheck>>, options: { logger: Logger }) {
    this.#checks = new Map(Object.entries(checks));
    this.#logger = options.logger;
    for (const name of [...this.#checks.keys(), OVERALL]) this.#statuses.set(name, false);
  }

  /** Runs every check now, and again and again from now on. */
  async start(): Promise<void> {
    await this.refresh();
    if (this.#stopped) return;
    const pauseMs = [...this.#statuses.values()].every(Boolean) ? CHECK_EVERY_MS : CHECK_AGAIN_MS;
    this.#timer = setTimeout(() => void this.start(), pauseMs).unref();
  }

  /** Says NOT_SERVING for everything, for good: the process is about to stop. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const name of this.#statuses.keys()) this.#set(name, false);
  }

  /** Runs every check now. */
  async refresh(): Promise<void> {
    const results = await Promise.all(
      [...this.#checks].map(async ([name, check]) => [name, await this.#passes(name, check)] as const),
    );
    if (this.#stopped) return;
    for (const [name, serving] of results) this.#set(name, serving);
    this.#set(
      OVERALL,
      results.every(([, serving]) => serving),
    );
  }

  /** Whether a service serves; undefined if there is none by this name. "" is the whole process. */
  serving(service = OVERALL): boolean | undefined {
    return this.#statuses.get(service);
  }

  /** Every service and whether it serves. */
  all(): ReadonlyMap<string, boolean> {
    return this.#statuses;
  }

  /** The status of a service now and after every change, until `signal` aborts. */
  async *watch(service: string, signal: AbortSignal): AsyncGenerator<boolean | undefined> {
    // Listening begins before the first look, so no change falls in between.
    const changes = on(this.#changes, "change", { signal });
    let last = this.serving(service);
    yield last;
    for await (const _ of changes) {
      const now = this.serving(service);
      if (now !== last) yield now;
      last = now;
    }
  }

  async #passes(name: string, check: HealthCheck): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
    });
    try {
      await Promise.race([check(), timeout]);
      this.#complaints.delete(name);
      return true;
    } catch (error) {
      // What is not there yet when the process starts may well be on its way.
      const level = this.#statuses.get(name) ? "warn" : "info";
      if (!this.#complaints.has(name)) this.#logger[level]({ reason: String(error), service: name }, "health check failed");
      this.#complaints.add(name);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  #set(name: string, serving: boolean): void {
    if (this.#statuses.get(name) === serving) return;
    this.#statuses.set(name, serving);
    if (name === OVERALL) this.#logger.info({ serving }, "health changed");
    else this.#logger.debug({ service: name, serving }, "health changed");
    this.#changes.emit("change");
  }
}

/** Implements grpc.health.v1.Health. */
export function healthHandler(health: Health): HealthServiceImplementation {
  return {
    async check({ service }) {
      const serving = health.serving(service);
      if (serving === undefined) throw new ServerError(Status.NOT_FOUND, "unknown service");
      return { status: statusOf(serving) };
    },

    async list() {
      return { statuses: new Map([...health.all()].map(([name, serving]) => [name, { status: statusOf(serving) }])) };
    },

    async *watch({ service }, { signal }) {
      for await (const serving of health.watch(service, signal)) {
        // The protocol asks for SERVICE_UNKNOWN, not NOT_FOUND: the service may come later.
        yield { status: serving === undefined ? Serving.SERVICE_UNKNOWN : statusOf(serving) };
      }
    },
  };
}

function statusOf(serving: boolean): Serving {
  return serving ? Serving.SERVING : Serving.NOT_SERVING;
}
