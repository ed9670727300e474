import { setImmediate as turn } from "node:timers/promises";
import type { Channel } from "nice-grpc";
import pino from "pino";
import { openChannel } from "../../clients/channel.ts";
import { type RecommendationsClient, recommendationsClient } from "../../clients/recommendations.ts";
import { BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { type RegistryRelay, startRegistryRelay } from "../../runtime/registry-relay.ts";
import type { Security } from "../../runtime/security.ts";
import { xdsBootstrap } from "../../runtime/xds-bootstrap.ts";
import type { Shop } from "./shop.ts";

const METHOD = "bookstore.recommendations.v1.RecommendationsService";
const silent = pino({ level: "silent" });

/** Where a process says how many calls it has handled. */
type Handler = { readonly adminPort: number };

/** A client that finds recommendations by xDS and through a relay, as the storefront does. */
export class MeshLoad implements AsyncDisposable {
  readonly channel: Channel;
  readonly client: RecommendationsClient;
  /** What failed calls said. */
  readonly failures: string[] = [];
  calls = 0;
  readonly #relay: RegistryRelay;
  #running = false;

  private constructor(relay: RegistryRelay, credentials: Security, nodeId: string) {
    this.#relay = relay;
    const bootstrap = xdsBootstrap({ registries: [relay.uri], nodeId, cluster: "load" });
    this.channel = openChannel("xds:///recommendations", { service: "recommendations", credentials, bootstrap });
    this.client = recommendationsClient(this.channel, silent);
  }

  /**
   * @param registries "host:port" of each.
   * @param credentials of somebody who may ask for recommendations. They stay the caller's, to close.
   */
  static async open(registries: readonly string[], credentials: Security, nodeId = "load-1"): Promise<MeshLoad> {
    return new MeshLoad(await startRegistryRelay({ registries, credentials, logger: silent }), credentials, nodeId);
  }

  /** One idempotent call, counted. */
  async call(): Promise<boolean> {
    this.calls++;
    try {
      await this.client.recommend({ userId: "1", category: BookCategory.BOOK_CATEGORY_MYSTERY, maxResults: 3 });
      return true;
    } catch (error) {
      this.failures.push((error as Error).message);
      return false;
    }
  }

  /** So many calls, so many at a time. @returns how many of them failed. */
  async send(calls: number, atOnce = 20): Promise<number> {
    let left = calls;
    let failed = 0;
    const worker = async () => {
      while (left-- > 0) if (!(await this.call())) failed++;
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return failed;
  }

  /** Calls without end, `atOnce` at a time, until the action is over. */
  async during<T>(action: () => Promise<T>, atOnce = 4): Promise<T> {
    this.#running = true;
    const worker = async () => {
      while (this.#running) {
        await this.call();
        await turn();
      }
    };
    const workers = Array.from({ length: atOnce }, worker);
    try {
      return await action();
    } finally {
      this.#running = false;
      await Promise.all(workers);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.channel.close();
    await this.#relay.close();
  }
}

/** "host:port" of each registry of a shop. */
export function registriesOf(shop: Shop): string[] {
  return Object.entries(shop.grpc)
    .filter(([name]) => /^registry(-\d+)?$/.test(name))
    .map(([, address]) => address);
}

/** How many recommendations a process has given; 0 if it is gone. */
export async function handledBy(process: Handler): Promise<number> {
  const metrics = await fetch(`http://127.0.0.1:${process.adminPort}/metrics`).then(
    (answer) => answer.text(),
    () => "",
  );
  return metrics
    .split("\n")
    .filter((line) => line.startsWith("grpc_server_handled_total") && line.includes(METHOD) && line.includes('"Recommend"'))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** The share of each process in the calls that are made while the action runs, 0 to 1. */
export async function sharesOf(processes: readonly Handler[], action: () => Promise<unknown>): Promise<number[]> {
  const before = await Promise.all(processes.map(handledBy));
  await action();
  const after = await Promise.all(processes.map(handledBy));
  const handled = after.map((count, i) => count - (before[i] ?? 0));
  const all = handled.reduce((sum, count) => sum + count, 0);
  return handled.map((count) => count / all);
}
