import { isDeepStrictEqual } from "node:util";
import type { Logger } from "../../runtime/logger.ts";
import type { DataPlane } from "./registry.ts";
import type { RoutedService } from "./routing.ts";

/** Changes that come within so much are told as one: a thousand instances that register at once are not a thousand updates. */
const TOGETHER_MS = 10;
/** How long a drain waits for clients to know. */
const SETTLE_MS = 2_000;

/** Tells the clients what has changed for them, and nothing else. */
export class Announcer {
  readonly #routed: (service: string) => RoutedService | undefined;
  readonly #dataPlane: Pick<DataPlane, "update" | "settled">;
  readonly #logger: Logger;
  readonly #changed = new Set<string>();
  readonly #told = new Map<string, RoutedService>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    routed: (service: string) => RoutedService | undefined,
    dataPlane: Pick<DataPlane, "update" | "settled">,
    logger: Logger,
  ) {
    this.#routed = routed;
    this.#dataPlane = dataPlane;
    this.#logger = logger;
  }

  /** A service may not be what it was. */
  changed(service: string): void {
    if (this.#closed) return;
    this.#changed.add(service);
    this.#timer ??= setTimeout(() => this.flush(), TOGETHER_MS).unref();
  }

  /** Tells what there is to tell now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const service of this.#changed) this.#tell(service);
    this.#changed.clear();
  }

  /** Resolves when all clients know what a service is now, or after two seconds. */
  async settled(service: string): Promise<void> {
    this.flush();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, SETTLE_MS, "late");
    });
    try {
      const outcome = await Promise.race([this.#dataPlane.settled(service), late]);
      if (outcome === "late") this.#logger.warn({ service }, "some clients have not said that they know of a drain");
    } catch (error) {
      this.#logger.error({ err: error, service }, "cannot find out whether clients know of a drain");
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #tell(service: string): void {
    const routed = this.#routed(service);
    if (routed === undefined || isDeepStrictEqual(routed, this.#told.get(service))) return;
    try {
      this.#dataPlane.update(routed);
      this.#told.set(service, routed);
    } catch (error) {
      // Clients go on with what they had, and the other services are not held up.
      this.#logger.error({ err: error, service }, "cannot tell the clients of a change");
    }
  }
}
