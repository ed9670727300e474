import { Failure } from "../../runtime/errors.ts";

export interface HashQueueOptions {
  /** How many work at once. */
  atOnce: number;
  /** How many may wait. */
  mostWaiting: number;
}

/** What is known of somebody, the best first: has been welcome before, comes for the first time, has failed lately. */
export type Standing = "known" | "new" | "failed";

/** Whom a piece of work is for. */
export interface Customer {
  /** Whose line it stands in, such as the address of a client. */
  lane: string;
  standing: Standing;
}

interface Waiting {
  begin(): void;
  refuse(error: unknown): void;
}

/** About what it takes a full queue to empty. */
const RETRY_AFTER_MS = 2_000;

/**
 * Lets only so much work be done at once, and only so much wait.
 *
 * Each lane has its own line, and lanes of one standing take turns; so do the
 * three standings. However much a lane asks for, and however many lanes with
 * failures do, somebody known waits for three pieces of work for each known lane
 * at most, and somebody new for three for each new one. When too many wait, a
 * line of worse standing gives up its last place, or else a longer one.
 */
export class HashQueue {
  readonly #options: HashQueueOptions;
  readonly #lines: Record<Standing, Lines> = { known: new Lines(), new: new Lines(), failed: new Lines() };
  /** The one whose turn it is comes first. */
  #turns: readonly Standing[] = ["known", "new", "failed"];
  #working = 0;

  constructor(options: HashQueueOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get waiting(): number {
    const { known, new: fresh, failed } = this.#lines;
    return known.length + fresh.length + failed.length;
  }

  /**
   * Does `work` when it is its turn.
   *
   * @param signal when it aborts while the work waits, the work is never begun. Work that was begun is finished.
   * @throws Failure "exhausted" if too many wait; the reason of the signal; what the work throws.
   */
  async run<T>(customer: Customer, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#working < this.#options.atOnce) this.#working++;
    else await this.#turn(customer, signal);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  /** Resolves when it is the customer's turn, whose place among the working is taken then already. */
  #turn(customer: Customer, signal: AbortSignal | undefined): Promise<void> {
    if (this.waiting >= this.#options.mostWaiting) this.#makeRoom(customer);
    const lines = this.#lines[customer.standing];
    return new Promise((resolve, reject) => {
      const leave = () => {
        lines.remove(customer.lane, waiting);
        reject(signal?.reason);
      };
      const waiting: Waiting = {
        begin() {
          signal?.removeEventListener("abort", leave);
          resolve();
        },
        refuse(error) {
          signal?.removeEventListener("abort", leave);
          reject(error);
        },
      };
      signal?.addEventListener("abort", leave, { once: true });
      lines.add(customer.lane, waiting);
    });
  }

  /** Hands the place of who is done to whoever's turn it is. */
  #next(): void {
    const standing = this.#turns.find((one) => this.#lines[one].length > 0);
    const waiting = standing && this.#lines[standing].take();
    if (waiting === undefined) {
      this.#working--;
      return;
    }
    this.#turns = [...this.#turns.filter((one) => one !== standing), ...this.#turns.filter((one) => one === standing)];
    waiting.begin();
  }

  /** @throws Failure if nobody has to make room for the customer. */
  #makeRoom({ lane, standing }: Customer): void {
    const { new: fresh, failed } = this.#lines;
    const own = this.#lines[standing];
    const last =
      (standing !== "failed" ? failed.takeLastOfLongest(0) : undefined) ??
      (standing === "known" ? fresh.takeLastOfLongest(0) : undefined) ??
      own.takeLastOfLongest(own.lengthOf(lane) + 1);
    if (last === undefined) throw full();
    last.refuse(full());
  }
}

/** Lines that take turns. */
class Lines {
  /** The lane whose turn it is comes first. None is empty. */
  readonly #lanes = new Map<string, Waiting[]>();
  length = 0;

  lengthOf(lane: string): number {
    return this.#lanes.get(lane)?.length ?? 0;
  }

  add(lane: string, waiting: Waiting): void {
    const line = this.#lanes.get(lane);
    if (line === undefined) this.#lanes.set(lane, [waiting]);
    else line.push(waiting);
    this.length++;
  }

  /** The first of the lane whose turn it is. */
  take(): Waiting | undefined {
    const [first] = this.#lanes;
    if (first === undefined) return undefined;
    const [lane, line] = first;
    const waiting = line.shift();
    this.length--;
    this.#lanes.delete(lane);
    if (line.length > 0) this.#lanes.set(lane, line);
    return waiting;
  }

  /** The last of the longest line; undefined if none has more than `length` places. */
  takeLastOfLongest(length: number): Waiting | undefined {
    const [lane, line] = [...this.#lanes].reduce<[string, Waiting[]]>(
      (longest, one) => (one[1].length > longest[1].length ? one : longest),
      ["", []],
    );
    const last = line.length > length ? line.at(-1) : undefined;
    if (last !== undefined) this.remove(lane, last);
    return last;
  }

  remove(lane: string, waiting: Waiting): void {
    const line = this.#lanes.get(lane);
    const index = line?.indexOf(waiting) ?? -1;
    if (line === undefined || index < 0) return;
    line.splice(index, 1);
    this.length--;
    if (line.length === 0) this.#lanes.delete(lane);
  }
}

function full(): Failure {
  return new Failure("exhausted", "too many passwords wait to be hashed", { reason: "OVERLOADED", retryAfterMs: RETRY_AFTER_MS });
}
