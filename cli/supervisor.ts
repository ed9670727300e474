import type { ServiceProcess } from "./service-process.ts";

/** Runs the processes of a mesh, and stops them stage by stage. */
export class Supervisor {
  readonly #stages: readonly (readonly ServiceProcess[])[];
  readonly #finished = Promise.withResolvers<number>();
  readonly #stop = new AbortController();

  /** @param stages in the order of their start. Processes of one stage are stopped together. */
  constructor(stages: readonly (readonly ServiceProcess[])[]) {
    this.#stages = stages;
  }

  /** The exit status, when all processes have ended. */
  get finished(): Promise<number> {
    return this.#finished.promise;
  }

  /** Aborts when the stop begins. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  start(): void {
    for (const stage of this.#stages) for (const process of stage) process.start();
  }

  /**
   * Stops the last stage first. Only the first call counts.
   *
   * @param status the exit status if all processes end in order. If not, it is 1.
   */
  async stop(status = 0): Promise<void> {
    if (this.stopping.aborted) return;
    this.#stop.abort();
    let inOrder = true;
    for (const stage of this.#stages.toReversed()) {
      const results = await Promise.all(stage.map((process) => process.stop()));
      inOrder &&= results.every(Boolean);
    }
    this.#finished.resolve(inOrder ? status : status || 1);
  }

  /** Cuts short a stop that waits for calls. */
  force(): void {
    for (const stage of this.#stages) for (const process of stage) process.force();
  }
}
