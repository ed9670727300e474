import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { BystanderMessage, BystanderReport } from "./bystander.ts";
import type { Place } from "./target-process.ts";

const MODULE = fileURLToPath(new URL("bystander.ts", import.meta.url));

/** A caller that does no harm, and must come to none. */
export class BystanderProcess implements Disposable {
  readonly #process: ChildProcess;

  constructor(places: readonly Place[]) {
    this.#process = fork(MODULE, { execArgv: ["--disable-warning=ExperimentalWarning"] });
    this.#tell({ type: "begin", places });
  }

  /** Ends its calls. @returns how they went. */
  async end(): Promise<BystanderReport> {
    const report = once(this.#process, "message");
    this.#tell({ type: "end" });
    return (await report)[0];
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }

  #tell(message: BystanderMessage): void {
    this.#process.send(message);
  }
}
