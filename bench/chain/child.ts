import { type ChildProcess, fork } from "node:child_process";

/** A module of this folder that runs in a process of its own and answers messages, one at a time. */
export class Child {
  /** How many lines it has written to its standard output. */
  lines = 0;
  readonly #process: ChildProcess;
  readonly #module: string;

  constructor(module: string) {
    this.#module = module;
    this.#process = fork(new URL(module, import.meta.url), { stdio: ["ignore", "pipe", "inherit", "ipc"] });
    this.#process.stdout?.on("data", (chunk: Buffer) => {
      for (let at = chunk.indexOf("\n"); at >= 0; at = chunk.indexOf("\n", at + 1)) this.lines++;
    });
  }

  /** Its next message. @throws Error if it ends instead. */
  next<Answer>(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = (status: number) => reject(new Error(`${this.#module} ended with status ${status}`));
      this.#process.once("exit", onExit);
      this.#process.once("message", (answer) => {
        this.#process.off("exit", onExit);
        resolve(answer as Answer);
      });
    });
  }

  ask<Answer>(message: object): Promise<Answer> {
    const answer = this.next<Answer>();
    this.#process.send(message);
    return answer;
  }

  stop(): void {
    this.#process.disconnect();
  }
}
