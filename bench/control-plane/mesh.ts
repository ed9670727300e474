import type { Receipt } from "./ads-client.ts";
import { Child } from "./child.ts";
import type { ClientsRequest, Connecting, Receipts } from "./client-process.ts";
import type { Change } from "./fleet.ts";
import type { Changed, Listening, Memory, RegistryRequest, Settled, Usage } from "./registry-process.ts";

export interface Size {
  /** How many the registry knows. */
  readonly services: number;
  /** How many of them, the first ones, every client has subscribed to. */
  readonly wanted: number;
}

/** What it took until all clients had been told of something. */
export interface Delivery {
  /** Until the last client had received the last of it. */
  readonly receivedMs: number;
  /** Responses to each client, on average. */
  readonly responses: number;
  /** To each client, on average. */
  readonly bytesReceived: number;
  /** From each client, on average. */
  readonly bytesSent: number;
}

/** What the registry spent on something. */
export interface Spending {
  readonly cpuMs: number;
  readonly elapsedMs: number;
  /** The longest time in which the registry could do nothing else. */
  readonly blockedMs: number;
}

/** A registry in a process of its own, and its clients in others. */
export class Mesh {
  readonly size: Size;
  readonly #registry: Child;
  readonly #port: number;
  readonly #clients: readonly Child[];

  private constructor(size: Size, registry: Child, port: number, clients: readonly Child[]) {
    this.size = size;
    this.#registry = registry;
    this.#port = port;
    this.#clients = clients;
  }

  /** A registry that knows nothing yet. @param clients the processes that its clients are going to live in. */
  static async start(size: Size, clients: readonly Child[]): Promise<Mesh> {
    const [registry, { port }] = await Child.start<Listening>("./registry-process.ts");
    return new Mesh(size, registry, port, clients);
  }

  async register(): Promise<void> {
    await this.#ask({ kind: "register", services: this.size.services });
  }

  /** Lets clients connect, until all have all resources that they want, and have accepted them. @param count of all processes together. */
  async connect(count: number): Promise<Delivery> {
    const { wanted } = this.size;
    const clients = count / this.#clients.length;
    const connecting = await this.#askClients<Connecting>((port, i) => {
      return { kind: "connect", port, wanted, first: i * clients, clients };
    });
    const delivery = await this.#received(Math.min(...connecting.map(({ startedAtMs }) => startedAtMs)));
    // Of the four types the endpoints are sent last.
    await this.#ask({ kind: "settle", service: 0 });
    return delivery;
  }

  /** Makes changes, until all clients have received and accepted all of them. @param overMs the time over which they are spread. */
  async change(changes: readonly Change[], overMs = 0): Promise<Delivery & { readonly acceptedMs: number }> {
    await this.#askClients((port) => ({ kind: "expect", port, changes }));
    const changed = await this.#ask<Changed>({ kind: "change", changes, overMs });
    const delivery = await this.#received(changed.atMs);
    // A client accepts one response after the other, and what changed last is in the last.
    const settled = await this.#ask<Settled>({ kind: "settle", service: changes.at(-1)?.service ?? 0 });
    return { ...delivery, acceptedMs: settled.atMs - changed.atMs };
  }

  /** What the registry spends while something is done. */
  async spending<Result>(action: () => Promise<Result>): Promise<[Result, Spending]> {
    const before = await this.#ask<Usage>({ kind: "usage" });
    const result = await action();
    const after = await this.#ask<Usage>({ kind: "usage" });
    const elapsedMs = after.atMs - before.atMs;
    return [result, { cpuMs: after.cpuMs - before.cpuMs, elapsedMs, blockedMs: after.blockedMs }];
  }

  memory(): Promise<Memory> {
    return this.#ask<Memory>({ kind: "memory" });
  }

  stop(): void {
    this.#registry.stop();
  }

  async #received(sinceMs: number): Promise<Delivery> {
    const answers = await this.#askClients<Receipts>((port) => ({ kind: "receive", port }));
    const receipts = answers.flatMap((answer) => answer.receipts);
    const mean = (pick: (receipt: Receipt) => number) =>
      receipts.reduce((sum, receipt) => sum + pick(receipt), 0) / receipts.length;
    return {
      receivedMs: Math.max(...receipts.map(({ lastAtMs }) => lastAtMs)) - sinceMs,
      responses: mean(({ responses }) => responses),
      bytesReceived: mean(({ bytesReceived }) => bytesReceived),
      bytesSent: mean(({ bytesSent }) => bytesSent),
    };
  }

  #ask<Answer>(request: RegistryRequest): Promise<Answer> {
    return this.#registry.ask<Answer>(request);
  }

  #askClients<Answer>(request: (port: number, i: number) => ClientsRequest): Promise<Answer[]> {
    return Promise.all(this.#clients.map((child, i) => child.ask<Answer>(request(this.#port, i))));
  }
}
