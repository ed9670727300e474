import { Failure } from "../../runtime/errors.ts";
import type { OrderState } from "./order-state.ts";
import type { Price, PricedLine } from "./price.ts";

/** What a user has bought, or wanted to buy. */
export interface Order {
  id: string;
  userId: string;
  state: OrderState;
  lines: readonly PricedLine[];
  price: Price;
  createdAt: Date;
  history: readonly { state: OrderState; at: Date }[];
  /** When the user called it off. */
  cancelRequestedAt: Date | undefined;
}

/** An order on its way into the store. */
export interface NewOrder extends Pick<Order, "id" | "userId" | "lines" | "price"> {
  idempotencyKey: string;
  /** A hash of the request that has the key. */
  requestHash: string;
}

export interface OrderStore {
  /**
   * Writes an order of all that is in the cart of the user, which waits for its payment: keeps the copies, uses the promotion.
   *
   * @throws KeyTaken if the user has an order of that key.
   * @throws CartMoved if there is anything else in the cart now.
   * @throws Failure "failed-precondition", reasons OUT_OF_STOCK, PAYMENT_PENDING and PRICE_CHANGED.
   */
  begin(order: NewOrder, now: Date): Promise<Order>;
  /** The order is paid: the copies are the buyer's, and out of the cart. @returns undefined if it did not wait for its payment any more. */
  place(orderId: string, now: Date): Promise<Order | undefined>;
  /** The order will not be paid: everything that was kept is free again. @param options.tell whether the buyer must hear of it. */
  giveUp(
    orderId: string,
    state: "PAYMENT_DECLINED" | "EXPIRED",
    options: { tell: boolean; now: Date },
  ): Promise<Order | undefined>;
  /** Notes that the user calls an order off, if it is placed. @returns the order, whatever its state. */
  requestCancel(userId: string, orderId: string, now: Date): Promise<Order | undefined>;
  /** What was paid is given back: the copies can be sold again, and the promotion used. */
  cancel(orderId: string, now: Date): Promise<Order | undefined>;
  /** What has become of an order: far cheaper than all of it. */
  stateOf(orderId: string): Promise<OrderState | undefined>;
  get(userId: string, orderId: string): Promise<Order | undefined>;
  /** Newest first, from behind an order. */
  list(
    userId: string,
    options: { after: { createdAtMs: number; id: string } | undefined; limit: number },
  ): Promise<readonly Order[]>;
  /** The order that a request with this key has made, and the hash of that request. */
  findByKey(userId: string, idempotencyKey: string): Promise<{ order: Order; requestHash: string } | undefined>;
  /** Orders that wait for their payment, or to be cancelled, since before a time; by id, from behind one. */
  unsettled(before: Date, afterId: string, limit: number): Promise<readonly Order[]>;
}

/** The user has an order of that key. */
export class KeyTaken extends Error {}

/** The cart is not what it was when the order was made of it: it has been bought, or changed. */
export class CartMoved extends Error {}

export function notFound(): Failure {
  return new Failure("not-found", "there is no such order", { reason: "ORDER_NOT_FOUND" });
}

/** What PlaceOrder says when the total is another one than the user was told. */
export function priceChanged({ currencyCode, total }: Pick<Price, "currencyCode" | "total">): Failure {
  return new Failure("failed-precondition", "the total has changed", {
    reason: "PRICE_CHANGED",
    metadata: { currency_code: currencyCode, minor_units: String(total) },
  });
}
