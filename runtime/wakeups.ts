import { EventEmitter } from "node:events";
import { waitForEvent } from "abort-controller-x";

/**
 * Tells waiting streams that something they show has changed.
 *
 * It carries no data: who is woken looks for itself. So a change that happens
 * while nobody waits is never lost, and many changes cost one look.
 */
export class Wakeups<Key extends string | number> {
  readonly #watchers = new Map<Key, Set<Watcher>>();

  /** The keys that somebody watches. */
  watched(): Key[] {
    return [...this.#watchers.keys()];
  }

  /** Wakes everybody who watches the key. */
  wake(key: Key): void {
    for (const watcher of this.#watchers.get(key) ?? []) watcher.wake();
  }

  /**
   * Runs `look` now, and again each time the key is woken, until the signal aborts.
   *
   * A wake-up during a look leads to one more look.
   *
   * @throws AbortError when the signal aborts.
   */
  async *follow<T>(key: Key, signal: AbortSignal, look: () => AsyncIterable<T>): AsyncGenerator<T, never> {
    const watcher = new Watcher();
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(watcher));
    try {
      while (true) {
        watcher.reset();
        yield* look();
        await watcher.woken(signal);
      }
    } finally {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(key);
    }
  }
}

class Watcher {
  readonly #events = new EventEmitter();
  #awake = false;

  wake(): void {
    this.#awake = true;
    this.#events.emit("wake");
  }

  reset(): void {
    this.#awake = false;
  }

  async woken(signal: AbortSignal): Promise<void> {
    if (!this.#awake) await waitForEvent(signal, this.#events, "wake");
  }
}
