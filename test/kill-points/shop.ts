import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Channel } from "nice-grpc";
import { createChannel, createClientFactory } from "nice-grpc";
import pino from "pino";
import { openChannel } from "../../clients/channel.ts";
import { type CartClient, cartClient } from "../../clients/orders.ts";
import { OrdersServiceDefinition } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { failureDetails } from "../../interceptors/client/failure-details.ts";
import { startPostgres } from "../integration/postgres.ts";
import { type Rabbitmq, startRabbitmq } from "../integration/rabbitmq.ts";
import { TestAuthority } from "../support/test-authority.ts";
import type { TestUsers } from "../support/users.ts";
import type { Ended, Transport } from "./points.ts";
import { lastingPort, Program } from "./program.ts";
import { postgresStores, type Stores, sqliteStores } from "./stores.ts";
import { startSurroundings } from "./surroundings.ts";

/** So many copies there are of each Book at first. */
export const STOCK = 1_000_000;
/** A buyer waits so long for the payment provider, and an order that it never hears of expires so soon after. */
const PAYMENT = { PAYMENT_WAIT_MS: "300", PAYMENT_TIMEOUT_MS: "1500", SETTLE_INTERVAL_MS: "50" };

export interface ShopOptions {
  store: "sqlite" | "postgres";
  transport: Transport;
  /** Which programs run, besides orders. */
  programs: readonly Ended[];
  /** What is wrong with orders. */
  plant?: "dual-write" | undefined;
}

export type OrdersCaller = ReturnType<typeof rawOrdersClient>;

/** Orders and those who handle its events, as processes that can be ended; the rest of the shop around them. */
export class Shop implements AsyncDisposable {
  readonly stores: Stores;
  readonly users: TestUsers;
  readonly consumers: readonly Ended[];
  /** What carries the events, where it is not a stream. */
  readonly broker: Rabbitmq | undefined;
  readonly #transport: Transport;
  readonly #programs: ReadonlyMap<Ended, Program>;
  readonly #dial: (address: string) => Line;
  readonly #owned: AsyncDisposable;
  #line: Line;

  private constructor(parts: {
    stores: Stores;
    users: TestUsers;
    transport: Transport;
    broker: Rabbitmq | undefined;
    programs: ReadonlyMap<Ended, Program>;
    dial: (address: string) => Line;
    owned: AsyncDisposable;
  }) {
    this.stores = parts.stores;
    this.users = parts.users;
    this.broker = parts.broker;
    this.#transport = parts.transport;
    this.#programs = parts.programs;
    this.consumers = [...parts.programs.keys()].filter((name) => name !== "orders");
    this.#dial = parts.dial;
    this.#owned = parts.owned;
    this.#line = this.#dial(this.program("orders").address);
  }

  static async open({ store, transport, programs: consumers, plant }: ShopOptions): Promise<Shop> {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "bookmesh-kill-points-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const authority = stack.use(await TestAuthority.create());
    const { users, addresses } = stack.use(await startSurroundings(authority));
    const names: Ended[] = ["orders", ...consumers.filter((name) => name !== "orders")];
    const server = store === "postgres" ? stack.use(await startPostgres()) : undefined;
    const stores = stack.use(server === undefined ? sqliteStores(folder) : await postgresStores(server.url, names));
    const broker = transport === "amqp" ? stack.use(await startRabbitmq()) : undefined;
    const ports = new Map<Ended, number>();
    for (const name of names) ports.set(name, await lastingPort());
    const common = {
      ...(broker === undefined ? {} : { AMQP_URL: broker.url }),
      ...{ REGISTER_HOST: addresses.register, MARKETPLACE_HOST: addresses.marketplace, REVIEWS_HOST: addresses.reviews },
      ORDERS_HOST: `127.0.0.1:${ports.get("orders")}`,
      ...{ MODEL_DIR: join(folder, "model"), DOCUMENTS_DIR: join(folder, "documents"), TRAINING_INTERVAL_MS: "3600000" },
      ...{ DEFAULT_STOCK: String(STOCK), ...PAYMENT, NODE_COMPILE_CACHE: join(folder, "compiled") },
    };
    const start = async (service: Ended) => {
      const preloads =
        service === "orders" && plant !== undefined ? [fileURLToPath(new URL(`${plant}.ts`, import.meta.url))] : [];
      const env = { ...common, DATABASE_URL: stores.url(service), CREDENTIALS_DIR: await authority.folder(service) };
      const program = await Program.start({ service, env, preloads, port: ports.get(service) as number });
      return [service, stack.use(program)] as const;
    };
    const programs = new Map(await allOf(names.map(start)));
    const credentials = await authority.credentials("marketplace");
    const dial = (address: string) => dialled(address, credentials);
    return new Shop({ stores, users, transport, broker, programs, dial, owned: stack.move() });
  }

  program(name: Ended): Program {
    const program = this.#programs.get(name);
    if (program === undefined) throw new Error(`${name} does not run`);
    return program;
  }

  /** Calls of buyers: each is one attempt, as nobody tries again for them. */
  get orders(): OrdersCaller {
    return this.#line.orders;
  }

  get carts(): CartClient {
    return this.#line.carts;
  }

  /** Starts a program again that was ended. */
  async restart(name: Ended): Promise<void> {
    if (name === "orders" && this.#transport === "amqp") {
      // Nobody waits here until the lease of the dead has run out, which is fifteen seconds.
      await this.stores.rows("orders", "update event_relay set lease_until_ms = 0");
    }
    await this.program(name).restart();
    if (name !== "orders") return;
    // A new channel, as the old one would wait a while before it tries again.
    this.#line.close();
    this.#line = this.#dial(this.program("orders").address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line.close();
    await this.#owned[Symbol.asyncDispose]();
  }
}

/** Like Promise.all, but waits for all of them also if one fails: what they start is theirs to be ended. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Clients of orders on channels of their own. */
interface Line {
  readonly orders: OrdersCaller;
  readonly carts: CartClient;
  close(): void;
}

function dialled(address: string, credentials: Awaited<ReturnType<TestAuthority["credentials"]>>): Line {
  const raw = createChannel(address, credentials.channel("orders"), { "grpc.enable_retries": 0 });
  const meshed = openChannel(address, { service: "orders", credentials });
  return {
    orders: rawOrdersClient(raw),
    carts: cartClient(meshed, pino({ level: "silent" })),
    close() {
      raw.close();
      meshed.close();
    },
  };
}

function rawOrdersClient(channel: Channel) {
  return createClientFactory().use(failureDetails).create(OrdersServiceDefinition, channel);
}
