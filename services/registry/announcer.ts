import { AsyncLocalStorage } from "node:async_hooks";
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "../../runtime/logger.ts";
import type { DataPlane } from "./registry.ts";
import type { RoutedService } from "./routing.ts";

/** Changes that come within so much are told as one: a thousand instances that register at once are not a thousand updates. */
const TOGETHER_MS = 10;

export interface AnnouncerOptions {
  /** What clients are to know of a service. */
  routed(service: string): RoutedService | undefined;
  dataPlane: Pick<DataPlane, "update" | "settled">;
  /** How long settled() waits at most. */
  settleMs: number;
  logger: Logger;
}

/** Tells the clients what has changed for them, and nothing else. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #changed = new Set<string>();
  readonly #told = new Map<string, RoutedService>();
  readonly #outsideOfCalls = AsyncLocalStorage.snapshot();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** A service may not be what it was. */
  changed(service: string): void {
    if (this.#closed) return;
    this.#changed.add(service);
    // Whoever is first does not call for all of them.
    this.#timer ??= this.#outsideOfCalls(() => setTimeout(() => this.flush(), TOGETHER_MS).unref());
  }

  /** Tells what there is to tell now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const service of this.#changed) this.#tell(service);
    this.#changed.clear();
  }

  /** Resolves when all clients know what a service is now, or after a while. Never rejects. */
  async settled(service: string): Promise<void> {
    const { dataPlane, settleMs, logger } = this.#options;
    this.flush();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, settleMs, "late");
    });
    try {
      const outcome = await Promise.race([dataPlane.settled(service), late]);
      if (outcome === "late") logger.warn({ service }, "some clients have not said that they know of a drain");
    } catch (error) {
      logger.error({ err: error, service }, "cannot find out whether clients know of a drain");
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #tell(service: string): void {
    const { dataPlane, logger } = this.#options;
    const routed = this.#options.routed(service);
    if (routed === undefined || isDeepStrictEqual(routed, this.#told.get(service))) return;
    try {
      dataPlane.update(routed);
      this.#told.set(service, routed);
    } catch (error) {
      // Clients go on with what they had, and the other services are not held up.
      logger.error({ err: error, service }, "cannot tell the clients of a change");
    }
  }
}
