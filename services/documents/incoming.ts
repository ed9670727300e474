import { abortable } from "abort-controller-x";
import { Failure } from "../../runtime/errors.ts";

/** The messages of a call, which may be told to end, and ends when nothing comes for too long. */
export class Incoming<T> {
  readonly #iterator: AsyncIterator<T>;
  readonly #idleMs: number;
  readonly #stop = new AbortController();

  /** @param idleMs how long the sender may be waited for. What is done with the messages may take longer. */
  constructor(messages: AsyncIterable<T>, idleMs: number) {
    this.#iterator = messages[Symbol.asyncIterator]();
    this.#idleMs = idleMs;
  }

  stopBy(signal: AbortSignal): void {
    signal.addEventListener("abort", () => this.#stop.abort(signal.reason));
  }

  /** @returns undefined at the end. */
  async next(): Promise<T | undefined> {
    const { signal } = this.#stop;
    const timer = setTimeout(() => this.#stop.abort(stalled()), this.#idleMs);
    try {
      const { done, value } = await abortable(signal, this.#iterator.next());
      return done ? undefined : value;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  }
}

function stalled(): Failure {
  return new Failure("deadline-exceeded", "nothing has come for too long: go on from the offset", { reason: "UPLOAD_STALLED" });
}
