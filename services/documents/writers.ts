import { Failure } from "../../runtime/errors.ts";

/** Lets one call of this process after the other write to an Upload: the later one, as its caller has given the earlier one up. */
export class Writers {
  readonly #writing = new Map<string, { taken: AbortController; done: Promise<void> }>();

  /** Waits until the call that writes now has stopped. @returns to be let go of with `using`; its signal says when to stop. */
  async takeOver(uploadId: string): Promise<Disposable & { signal: AbortSignal }> {
    for (let other = this.#writing.get(uploadId); other !== undefined; other = this.#writing.get(uploadId)) {
      other.taken.abort(otherWriter());
      await other.done;
    }
    const taken = new AbortController();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#writing.set(uploadId, { taken, done });
    return {
      signal: taken.signal,
      [Symbol.dispose]: () => {
        this.#writing.delete(uploadId);
        resolve();
      },
    };
  }
}

export function otherWriter(): Failure {
  return new Failure("aborted", "another call sends bytes for the same upload", { reason: "OTHER_WRITER" });
}
