import type { Candidate, Health } from "./endpoints.ts";
import type { Instance } from "./instance.ts";

/** What an instance answered when it was asked for its health. */
export interface HealthReport {
  readonly health: Exclude<Health, "unknown">;
  /** Why it is not healthy; "" if it is. */
  readonly problem: string;
}

/** An instance, and what the catalogue knows of it. */
export class CatalogEntry implements Candidate {
  readonly instance: Instance;
  readonly registeredAt: Date;
  /** Whether it says that it lives, and goes when it does not. */
  readonly keepsLease: boolean;
  /** By the clock of the catalogue. */
  leaseEndsAtMs: number;
  /** When the lease has run out; undefined while it runs. */
  expiredAtMs: number | undefined;
  /** Whether who held it is gone without a word. */
  lost = false;
  #everHealthy = false;
  #answer: { readonly report: HealthReport; readonly at: Date } | undefined;

  /** @param options.before the one with the same id that this one replaces. */
  constructor(instance: Instance, options: { registeredAt: Date; leaseEndsAtMs: number; before: CatalogEntry | undefined }) {
    this.instance = instance;
    this.registeredAt = options.registeredAt;
    this.leaseEndsAtMs = options.leaseEndsAtMs;
    this.keepsLease = options.leaseEndsAtMs !== Number.POSITIVE_INFINITY;
    const { before } = options;
    // One that has only lost its stream does not have to prove itself again: calls to it go on.
    if (before?.isAt(instance) && before.instance.healthCheckPath === instance.healthCheckPath) {
      this.#everHealthy = before.#everHealthy;
      this.#answer = before.#answer;
    }
  }

  get health(): Health {
    return this.expiredAtMs === undefined ? (this.#answer?.report.health ?? "unknown") : "unavailable";
  }

  get problem(): string {
    return this.expiredAtMs === undefined ? (this.#answer?.report.problem ?? "") : "the lease has run out";
  }

  get everHealthy(): boolean {
    return this.#everHealthy;
  }

  get asked(): boolean {
    return this.#answer !== undefined;
  }

  get lastCheckAt(): Date | undefined {
    return this.#answer?.at;
  }

  /** Whether anything speaks for it being there still. */
  get alive(): boolean {
    return !this.lost && this.health !== "unavailable";
  }

  /** Whether it is where another instance of the same service is. */
  isAt({ service, protocol, address, port }: Instance): boolean {
    const own = this.instance;
    return own.service === service && own.protocol === protocol && own.address === address && own.port === port;
  }

  /** Takes down an answer. @returns whether anything but its time is new. */
  answered(report: HealthReport, at: Date): boolean {
    const { asked, health, problem } = this;
    this.#answer = { report, at };
    if (report.health === "healthy") this.#everHealthy = true;
    return !asked || health !== this.health || problem !== this.problem;
  }
}
