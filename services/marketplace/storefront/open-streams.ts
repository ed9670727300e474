/** How many streams of events may be open at once. */
export interface StreamLimits {
  /** Of one user: a browser opens one for each page that shows news. */
  perUser: number;
  inAll: number;
}

/** A stream that may be open. */
export interface OpenStream {
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
  /** Leaves the place to others. To be called once. */
  leave(): void;
}

/** Counts the streams that are open, and ends them when the server stops. */
export class OpenStreams {
  readonly #limits: StreamLimits;
  readonly #stopping = new AbortController();
  readonly #ofUser = new Map<string, number>();
  #inAll = 0;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** @returns undefined if there are too many, or the server stops. */
  enter(userId: string): OpenStream | undefined {
    const { perUser, inAll } = this.#limits;
    const open = this.#ofUser.get(userId) ?? 0;
    if (open >= perUser || this.#inAll >= inAll || this.#stopping.signal.aborted) return undefined;
    this.#ofUser.set(userId, open + 1);
    this.#inAll++;
    return {
      stopping: this.#stopping.signal,
      leave: () => {
        const left = (this.#ofUser.get(userId) ?? 1) - 1;
        if (left === 0) this.#ofUser.delete(userId);
        else this.#ofUser.set(userId, left);
        this.#inAll--;
      },
    };
  }

  /** Ends them all, and lets no further one in. */
  stop(): void {
    this.#stopping.abort();
  }
}
