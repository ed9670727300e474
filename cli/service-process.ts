import { EXIT_BAD_CONFIG } from "../runtime/config.ts";
import type { Logger } from "../runtime/logger.ts";
import { Backoff } from "./backoff.ts";
import { type Child, type Ending, type Output, type Program, spawnChild } from "./child.ts";

/** How long a process has that was told to stop at once. */
const FORCED_MS = 2_000;

export interface ServiceProcessOptions {
  program: Program;
  /** Called for each start. */
  output: () => Output;
  log: Logger;
  /** The process has ended as it does on bad settings: to start it again cannot help. */
  onHopeless: () => void;
  backoff?: Backoff;
}

/** One process of a service, which is started again whenever it ends by itself. */
export class ServiceProcess {
  readonly #options: ServiceProcessOptions;
  readonly #backoff: Backoff;
  #child: Child | undefined;
  #restart: NodeJS.Timeout | undefined;
  #lastEnding: Ending | undefined;
  #stopping = false;

  constructor(options: ServiceProcessOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff();
  }

  start(): void {
    const startedAt = performance.now();
    const child = spawnChild(this.#options.program, this.#options.output());
    this.#child = child;
    void child.ended.then((ending) => {
      this.#child = undefined;
      this.#lastEnding = ending;
      if (!this.#stopping) this.#endedByItself(ending, performance.now() - startedAt);
    });
  }

  #endedByItself(ending: Ending, ranMs: number): void {
    const { log, program, onHopeless } = this.#options;
    if (ending.code === EXIT_BAD_CONFIG) {
      log.fatal(`${program.name} cannot start: its settings are wrong`);
      onHopeless();
      return;
    }
    const delayMs = this.#backoff.next(ranMs, ending.signal === "SIGKILL");
    log.warn(`${program.name} ended ${describe(ending)}: it is started again in ${(delayMs / 1_000).toFixed(1)} s`);
    this.#restart = setTimeout(() => this.start(), delayMs);
  }

  /**
   * Asks the process to stop, and kills it when it takes longer than it may.
   *
   * @returns whether it ended in order.
   */
  async stop(): Promise<boolean> {
    const { log, program } = this.#options;
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child !== undefined) {
      child.kill("SIGTERM");
      const patience = setTimeout(() => {
        log.error(`${program.name} did not stop in time and is killed`);
        child.kill("SIGKILL");
      }, program.killAfterMs);
      const ending = await child.ended;
      clearTimeout(patience);
      if (!inOrder(ending)) log.error(`${program.name} ended ${describe(ending)}`);
    }
    return this.#lastEnding === undefined || inOrder(this.#lastEnding);
  }

  /** Cuts a stop short: the process is to cut its calls, and is killed two seconds later. */
  force(): void {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    child.kill("SIGTERM");
    const patience = setTimeout(() => child.kill("SIGKILL"), FORCED_MS);
    void child.ended.then(() => clearTimeout(patience));
  }
}

/** A process that SIGTERM ends had not come far enough to listen for it, and so had no calls to finish. */
function inOrder({ code, signal }: Ending): boolean {
  return code === 0 || signal === "SIGTERM";
}

function describe({ code, signal }: Ending): string {
  if (signal !== null) return `by ${signal}`;
  return code === null ? "before it began" : `with status ${code}`;
}
