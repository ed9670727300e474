import { AsyncLocalStorage } from "node:async_hooks";
import type { HealthReport } from "./catalog-entry.ts";
import type { Instance } from "./instance.ts";

/** How soon one that is not healthy is asked again. */
const ASK_AGAIN_MS = 1_000;
/** The most that is asked a second, besides what is asked at once: with very many instances each is asked less often. */
const ASKED_A_SECOND = 250;
/** How many are asked at the same time, of those that are new, healthy and ailing each. */
const ASKED_AT_ONCE = 256;

export interface ProberOptions {
  /** Asks an instance for its health. Never rejects, and takes two seconds at most. */
  ask(instance: Instance): Promise<HealthReport>;
  /** What an instance has answered. */
  answered(instance: Instance, report: HealthReport): void;
  /** How often a healthy instance is asked. */
  intervalMs: number;
  /** 0 to 1; so that a thousand instances are not all asked in the same moment. */
  random?: () => number;
}

type State = "new" | "healthy" | "ailing";

interface Watched {
  instance: Instance;
  state: State;
  timer: NodeJS.Timeout | undefined;
  asking: boolean;
  /** Whether to ask once more as soon as the answer is there. */
  again: boolean;
}

/**
 * Asks instances for their health: at once, and again and again.
 *
 * Those that are new, those that are well and those that are not wait in lines
 * of their own. However many do not answer, the others are asked in time.
 */
export class Prober {
  readonly #options: Required<ProberOptions>;
  readonly #watched = new Map<string, Watched>();
  readonly #lines: Readonly<Record<State, Line>> = { new: new Line(), healthy: new Line(), ailing: new Line() };
  /** Runs an action as if nobody had called: an instance is asked for hours on end, its registration is over long before. */
  readonly #outsideOfCalls = AsyncLocalStorage.snapshot();
  readonly #counts: Record<State, number> = { new: 0, healthy: 0, ailing: 0 };

  constructor(options: ProberOptions) {
    this.#options = { random: Math.random, ...options };
  }

  /** Asks an instance now, and from now on. One with the same id is not asked any more. */
  watch(instance: Instance): void {
    const known = this.#watched.get(instance.id);
    if (known === undefined) {
      const watched: Watched = { instance, state: "new", timer: undefined, asking: false, again: false };
      this.#watched.set(instance.id, watched);
      this.#counts.new++;
      this.#askNow(watched);
      return;
    }
    known.instance = instance;
    clearTimeout(known.timer);
    // What is being asked already may have been answered before what has happened now.
    if (known.asking) known.again = true;
    else this.#askNow(known);
  }

  /** Asks an instance no more. */
  rest(id: string): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    this.#counts[watched.state]--;
    clearTimeout(watched.timer);
  }

  /** Asks nobody any more. */
  close(): void {
    for (const id of [...this.#watched.keys()]) this.rest(id);
  }

  #askNow(watched: Watched): void {
    this.#outsideOfCalls(() => void this.#ask(watched));
  }

  async #ask(watched: Watched): Promise<void> {
    const first = watched.state === "new";
    watched.asking = true;
    do {
      watched.again = false;
      await this.#lines[watched.state].run(async () => {
        if (!this.#isWatched(watched)) return;
        const { instance } = watched;
        const report = await this.#options.ask(instance);
        if (!this.#isWatched(watched)) return;
        this.#setState(watched, report.health === "healthy" ? "healthy" : "ailing");
        this.#options.answered(instance, report);
      });
    } while (watched.again && this.#isWatched(watched));
    watched.asking = false;
    if (!this.#isWatched(watched)) return;
    watched.timer = setTimeout(() => void this.#ask(watched), this.#pauseMs(watched, first)).unref();
  }

  #pauseMs({ state }: Watched, first: boolean): number {
    const wantedMs = state === "healthy" ? this.#options.intervalMs : Math.min(ASK_AGAIN_MS, this.#options.intervalMs);
    const pauseMs = Math.max(wantedMs, (this.#counts[state] * 1_000) / ASKED_A_SECOND);
    const random = this.#options.random();
    // Those who came together are spread over the first pause, and go their own ways from then on.
    return first ? pauseMs * random : pauseMs * (0.9 + random / 5);
  }

  #setState(watched: Watched, state: State): void {
    this.#counts[watched.state]--;
    this.#counts[state]++;
    watched.state = state;
  }

  #isWatched(watched: Watched): boolean {
    return this.#watched.get(watched.instance.id) === watched;
  }
}

/** Runs so much at once, and the rest in the order in which it came. */
class Line {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  async run(action: () => Promise<void>): Promise<void> {
    if (this.#running >= ASKED_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      await action();
    } finally {
      // The place is handed on, not given up: who comes in between does not get it.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
