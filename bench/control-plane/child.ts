import { type ChildProcess, fork } from "node:child_process";

/** A module of this folder that runs in a process of its own and answers messages, one at a time. */
export class Child {
  readonly #process: ChildProcess;
  readonly #module: string;

  private constructor(module: string, args: readonly string[]) {
    this.#module = module;
    // A collection of garbage that can be asked for, so that what is left is what is needed.
    const execArgv = ["--expose-gc"];
    // What it logs is written, as it is in earnest, and read by nobody.
    this.#process = fork(new URL(module, import.meta.url), args, { execArgv, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  }

  /** Resolves with what it says first. @throws Error if it ends instead. */
  static async start<Answer>(module: string, ...args: readonly string[]): Promise<[Child, Answer]> {
    const child = new Child(module, args);
    return [child, await child.#next<Answer>()];
  }

  /** @throws Error if it ends instead of answering. */
  ask<Answer>(message: object): Promise<Answer> {
    const answer = this.#next<Answer>();
    this.#process.send(message);
    return answer;
  }

  stop(): void {
    this.#process.disconnect();
  }

  #next<Answer>(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = (status: number) => reject(new Error(`${this.#module} ended with status ${status}`));
      this.#process.once("exit", onExit);
      this.#process.once("message", (answer) => {
        this.#process.off("exit", onExit);
        resolve(answer as Answer);
      });
    });
  }
}

/** Answers the messages of the parent, which come one at a time. Ends with the parent. */
export function answerParent<Message>(first: object, answer: (message: Message) => Promise<object> | object): void {
  process.on("disconnect", () => process.exit());
  process.on("message", async (message) => process.send?.(await answer(message as Message)));
  process.send?.(first);
}

/** Milliseconds by a clock that all processes of the machine have in common. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}
