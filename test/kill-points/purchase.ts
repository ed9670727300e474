import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isAbortError } from "abort-controller-x";
import { Status } from "nice-grpc";
import { CallFailure } from "../../clients/call-failure.ts";
import { OrderState, type PlaceOrderRequest } from "../../gen/bookstore/orders/v1/orders_service.ts";
import type { Random } from "../fuzz/random.ts";
import type { Shop } from "./shop.ts";
import { BOOKS } from "./surroundings.ts";

/** What a buyer was told of an order. */
export interface Answer {
  readonly orderId: string;
  /** As the store of orders writes it. */
  readonly state: string;
}

const CALL_MS = 10_000;
const AGAIN_MS = 50;
const GIVE_UP_MS = 60_000;
/** With these a buyer does not know what has become of the order. */
const UNANSWERED = new Set<Status>([
  Status.UNAVAILABLE,
  Status.CANCELLED,
  Status.DEADLINE_EXCEEDED,
  Status.INTERNAL,
  Status.UNKNOWN,
]);

/** One buyer with one cart and one key. */
export class Purchase {
  readonly request: PlaceOrderRequest;
  readonly items: readonly [bookId: number, quantity: number][];
  readonly answers: Answer[] = [];
  readonly #shop: Shop;

  private constructor(shop: Shop, request: PlaceOrderRequest, items: readonly [number, number][]) {
    this.#shop = shop;
    this.request = request;
    this.items = items;
  }

  /** Fills the cart of a new user, and of another one if that fails: only what comes then is on trial. */
  static async prepare(shop: Shop, userId: string, paymentToken: string, random: Random, tries = 5): Promise<Purchase> {
    try {
      return await Purchase.#fillCart(shop, userId, paymentToken, random);
    } catch (error) {
      if (tries === 1) throw error;
      await sleep(AGAIN_MS);
      return Purchase.prepare(shop, `${userId}x`, paymentToken, random, tries - 1);
    }
  }

  static async #fillCart(shop: Shop, userId: string, paymentToken: string, random: Random): Promise<Purchase> {
    const first = 1 + random.below(BOOKS - 1);
    const items = ([first, first + 1] as const)
      .slice(0, 1 + random.below(2))
      .map((bookId) => [bookId, 1 + random.below(2)] as const);
    const options = { metadata: shop.users.as(userId), deadlineMs: CALL_MS };
    for (const [bookId, quantity] of items) await shop.carts.addItem({ userId, bookId, quantity }, options);
    const { cart } = await shop.carts.getCart({ userId }, options);
    const { total: expectedTotal, revision: expectedCartRevision = "" } = cart ?? {};
    const request = { userId, idempotencyKey: randomUUID(), expectedTotal, expectedCartRevision, paymentToken };
    return new Purchase(
      shop,
      request,
      items.map(([bookId, quantity]) => [bookId, quantity]),
    );
  }

  get answered(): boolean {
    return this.answers.length > 0;
  }

  /** Places the order. @returns whether there was an answer. */
  async place(): Promise<boolean> {
    const metadata = this.#shop.users.as(this.request.userId);
    try {
      const { order } = await this.#shop.orders.placeOrder(this.request, { metadata, signal: AbortSignal.timeout(CALL_MS) });
      this.answers.push({ orderId: order?.id ?? "", state: stateName(order?.state) });
      return true;
    } catch (error) {
      if (error instanceof CallFailure && error.reason === "PAYMENT_DECLINED") {
        this.answers.push({ orderId: error.metadata.order_id ?? "", state: "PAYMENT_DECLINED" });
        return true;
      }
      if (isAbortError(error) || (error instanceof CallFailure && UNANSWERED.has(error.code))) return false;
      throw error;
    }
  }

  /** Sends the same request until it is answered. */
  async placeAgain(): Promise<void> {
    const giveUpAt = Date.now() + GIVE_UP_MS;
    while (!(await this.place())) {
      if (Date.now() > giveUpAt) throw new Error(`nobody answers ${this.request.userId}`);
      await sleep(AGAIN_MS);
    }
  }
}

function stateName(state: OrderState | undefined): string {
  const [name = ""] = Object.entries(OrderState).find(([, value]) => value === state) ?? [];
  return name.replace("ORDER_STATE_", "");
}
