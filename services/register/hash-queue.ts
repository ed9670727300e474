import { Failure } from "../../runtime/errors.ts";

export interface HashQueueOptions {
  /** How many work at once. */
  atOnce: number;
  /** How many may wait. */
  mostWaiting: number;
}

/** Whom a piece of work is for. */
export interface Customer {
  /** Whose line it stands in, such as the address of a client. */
  lane: string;
  /** Whether it is somebody who has been here before. */
  known: boolean;
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
 * Each lane has its own line, and the lanes take turns; so do those of known
 * customers with those of all others. However much a lane asks for, and however
 * many strangers do, a known customer's first piece of work waits for two pieces
 * for each known lane at most. When too many wait, the longest line of strangers
 * gives up its last place, unless a stranger with as long a line asks for it.
 */
export class HashQueue {
  readonly #options: HashQueueOptions;
  readonly #known = new Lines();
  readonly #strangers = new Lines();
  #knownComeNext = true;
  #working = 0;

  constructor(options: HashQueueOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#known.length + this.#strangers.length;
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
    const lines = customer.known ? this.#known : this.#strangers;
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
    const [first, second] = this.#knownComeNext ? [this.#known, this.#strangers] : [this.#strangers, this.#known];
    const waiting = first.take() ?? second.take();
    this.#knownComeNext = !this.#knownComeNext;
    if (waiting === undefined) this.#working--;
    else waiting.begin();
  }

  /** @throws Failure if nobody has to make room for the customer. */
  #makeRoom({ lane, known }: Customer): void {
    const length = known ? 0 : this.#strangers.lengthOf(lane) + 1;
    const last = this.#strangers.takeLastOfLongest(length);
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
