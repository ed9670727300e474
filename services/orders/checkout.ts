import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Money } from "../../gen/bookstore/catalog/v1/book.ts";
import { Failure } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { reached } from "../../runtime/steps.ts";
import { type CartDeps, pricedLines, revisionOf, showCart } from "./cart.ts";
import { CartMoved, KeyTaken, notFound, type Order, type OrderStore, priceChanged } from "./order.ts";
import type { OrderMetrics } from "./order-metrics.ts";
import type { OrderState } from "./order-state.ts";
import { answerOf, type PaymentProvider } from "./payment.ts";
import { priceOf } from "./price.ts";

export interface CheckoutDeps extends CartDeps {
  orders: OrderStore;
  payments: PaymentProvider;
  /** Asks register whether there is such a user. */
  isRegistered(userId: string): Promise<boolean>;
  metrics: OrderMetrics;
  logger: Logger;
  /** How long a caller waits for the payment provider, at most. */
  paymentWaitMs: number;
  /** How long an answer of the payment provider is waited for that is no payment. */
  paymentAnswerMs: number;
  /** Aborts when the process stops: whatever still waits for the payment provider is left to the settler. */
  stopping: AbortSignal;
}

export interface Purchase {
  userId: string;
  idempotencyKey: string;
  expectedTotal: Money;
  paymentToken: string;
  /** Of the cart that the user was shown; "" if it does not matter. */
  expectedCartRevision: string;
}

/** How the caller waits. */
export interface Patience {
  /** When to answer, whatever is still under way, in milliseconds since the epoch. */
  answerBy: number;
  /** Aborts when the caller is gone. Once there is an order, it goes on all the same. */
  signal: AbortSignal;
}

/** When to look first whether an order is paid that somebody else works on: most are paid at once. Then twice as late each time. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 250;

/** A payment that takes longer is the settler's. */
const LONGEST_PAYMENT_MS = 600_000;

/** Buys what is in the cart of a user, once for each idempotency key. */
export async function placeOrder(deps: CheckoutDeps, purchase: Purchase, patience: Patience): Promise<Order> {
  const known = await knownOrder(deps, purchase, patience);
  if (known !== undefined) return known;
  let order: Order;
  try {
    order = await beginWithCart(deps, purchase, patience.signal);
  } catch (error) {
    // The same request may have come twice: then the first one has emptied the cart, or has the key.
    const first = await knownOrder(deps, purchase, patience);
    if (first !== undefined) return first;
    throw error instanceof KeyTaken ? keyReused() : error;
  }
  reached("orders.order-committed");
  return answer(await pay(deps, order, purchase.paymentToken, patience, { tell: false }));
}

/** How often an order is begun when its cart is changed at the same moment. */
const MOST_BEGINNINGS = 3;

/** Begins an order of the cart as it is. */
async function beginWithCart(deps: CheckoutDeps, purchase: Purchase, signal: AbortSignal): Promise<Order> {
  for (let tries = 1; tries <= MOST_BEGINNINGS; tries++) {
    try {
      return await begin(deps, purchase, signal);
    } catch (error) {
      if (!(error instanceof CartMoved)) throw error;
    }
  }
  throw new Failure("aborted", "the cart changes all the while", { reason: "CART_BUSY" });
}

/** The first transaction: an order that waits for its payment. Nothing is written when something is wrong. */
async function begin(deps: CheckoutDeps, purchase: Purchase, signal: AbortSignal): Promise<Order> {
  const { userId, expectedTotal } = purchase;
  if (!(await deps.isRegistered(userId))) {
    throw new Failure("not-found", "not registered.", { reason: "USER_NOT_REGISTERED" });
  }
  const owner = { userId };
  const cart = await showCart(deps, owner, await deps.carts.items(owner, deps.now()));
  if (cart.lines.length === 0) throw cartEmpty();
  if (purchase.expectedCartRevision !== "" && purchase.expectedCartRevision !== revisionOf(cart.lines)) {
    throw new Failure("failed-precondition", "the cart has changed", { reason: "CART_CHANGED" });
  }
  const gone = cart.lines.filter(({ offer }) => offer === undefined).map(({ bookId }) => bookId);
  if (gone.length > 0) {
    const metadata = { book_ids: gone.join(",") };
    throw new Failure("failed-precondition", "the shop has a book no more", { reason: "BOOK_GONE", metadata });
  }
  const lines = pricedLines(cart.lines);
  const price = cart.price ?? priceOf(lines, { promotion: false });
  if (price === undefined) throw cartEmpty();
  if (price.total !== expectedTotal.minorUnits || price.currencyCode !== expectedTotal.currencyCode) throw priceChanged(price);
  // A caller who is gone does not want to buy any more.
  signal.throwIfAborted();
  const { idempotencyKey } = purchase;
  return deps.orders.begin({ id: randomUUID(), userId, idempotencyKey, requestHash: hashOf(purchase), lines, price }, deps.now());
}

/**
 * Charges an order, and does what follows. A payment that takes longer than the
 * caller waits goes on behind the answer; one whose end nobody sees is the settler's.
 *
 * @param options.tell whether the buyer may have been told to wait, before.
 */
async function pay(
  deps: CheckoutDeps,
  order: Order,
  token: string,
  { answerBy }: Patience,
  options: { tell: boolean },
): Promise<Order> {
  const amount = { currencyCode: order.price.currencyCode, minorUnits: order.price.total };
  reached("orders.before-charge");
  const tooLong = new AbortController();
  const timer = setTimeout(() => tooLong.abort(), LONGEST_PAYMENT_MS);
  const signal = AbortSignal.any([deps.stopping, tooLong.signal]);
  const paying = deps.metrics
    .timePayment(deps.payments.charge(order.id, amount, token, signal))
    .finally(() => clearTimeout(timer));
  const late = new AbortController();
  const first = await Promise.race([
    paying.then(
      (outcome) => outcome,
      () => "away" as const,
    ),
    sleep(waitMs(deps, answerBy), "late" as const, { signal: late.signal }),
  ]);
  late.abort();
  if (first === "away") {
    deps.logger.warn({ orderId: order.id }, "the payment provider did not answer: the order waits");
    return order;
  }
  if (first === "late") {
    paying
      .then((outcome) => note(deps, order, outcome, { tell: true }))
      .catch((error: unknown) => deps.logger.warn({ err: error, orderId: order.id }, "a late payment is left to the settler"));
    return order;
  }
  return note(deps, order, first, options);
}

/** The second transaction. @param options.tell whether the buyer was told to wait. */
async function note(
  deps: CheckoutDeps,
  order: Order,
  outcome: "charged" | "declined",
  options: { tell: boolean },
): Promise<Order> {
  reached("orders.charged");
  const now = deps.now();
  const settled =
    outcome === "charged"
      ? await deps.orders.place(order.id, now)
      : await deps.orders.giveUp(order.id, "PAYMENT_DECLINED", { ...options, now });
  if (settled !== undefined) deps.metrics.count(settled.state);
  reached("orders.placed-committed");
  return settled ?? (await deps.orders.get(order.userId, order.id)) ?? order;
}

/** The order that the same request has made before. Waits while it is being paid, and pays for it where nobody does any more. */
async function knownOrder(deps: CheckoutDeps, purchase: Purchase, { answerBy, signal }: Patience): Promise<Order | undefined> {
  const lookUntil = Date.now() + waitMs(deps, answerBy);
  const found = await deps.orders.findByKey(purchase.userId, purchase.idempotencyKey);
  if (found === undefined) return undefined;
  if (found.requestHash !== hashOf(purchase)) throw keyReused();
  const { order } = found;
  let state: OrderState | undefined = order.state;
  for (let pauseMs = FIRST_PAUSE_MS; state === "PENDING_PAYMENT"; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const leftMs = lookUntil - Date.now();
    if (leftMs <= 0) return order;
    // Later than that, whoever made the order does not wait for its payment any more either, or was ended
    // before it was paid. The provider charges once, and the order goes on once, whoever comes first.
    const old = deps.now().getTime() - order.createdAt.getTime() > deps.paymentWaitMs;
    if (old) return answer(await pay(deps, order, purchase.paymentToken, { answerBy, signal }, { tell: true }));
    await sleep(Math.min(pauseMs, leftMs), undefined, { signal });
    state = await deps.orders.stateOf(order.id);
  }
  return answer(state === order.state ? order : ((await deps.orders.get(order.userId, order.id)) ?? order));
}

function answer(order: Order): Order {
  if (order.state !== "PAYMENT_DECLINED") return order;
  throw new Failure("failed-precondition", "the payment was declined", {
    reason: "PAYMENT_DECLINED",
    metadata: { order_id: order.id },
  });
}

function cartEmpty(): Failure {
  return new Failure("failed-precondition", "the cart is empty", { reason: "CART_EMPTY" });
}

function keyReused(): Failure {
  return new Failure("conflict", "another request had the idempotency key", { reason: "IDEMPOTENCY_KEY_REUSED" });
}

/** The token is a secret: what is kept is a hash, under the key and the user. */
function hashOf({ userId, idempotencyKey, expectedTotal, paymentToken, expectedCartRevision }: Purchase): string {
  const parts = [userId, idempotencyKey, expectedTotal.currencyCode, String(expectedTotal.minorUnits), paymentToken];
  if (expectedCartRevision !== "") parts.push(expectedCartRevision);
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}

function waitMs({ paymentWaitMs }: Pick<CheckoutDeps, "paymentWaitMs">, answerBy: number): number {
  return Math.max(0, Math.min(paymentWaitMs, answerBy - Date.now()));
}

export type CancelDeps = Pick<
  CheckoutDeps,
  "orders" | "payments" | "metrics" | "logger" | "now" | "paymentWaitMs" | "paymentAnswerMs" | "stopping"
>;

/** Calls an order off. The user's wish is noted first: the settler finishes what stops half-way. */
export async function cancelOrder(deps: CancelDeps, userId: string, orderId: string, answerBy: number): Promise<Order> {
  const order = await deps.orders.requestCancel(userId, orderId, deps.now());
  if (order === undefined) throw notFound();
  if (order.state === "CANCELLED") return order;
  if (order.state !== "PLACED") {
    throw new Failure("failed-precondition", "the order was never placed", { reason: "ORDER_NOT_PLACED" });
  }
  const cancelling = refundAndCancel(deps, order).catch((error: unknown) => {
    deps.logger.warn({ err: error, orderId }, "the refund is left to the settler");
    return order;
  });
  const late = new AbortController();
  const done = await Promise.race([cancelling, sleep(waitMs(deps, answerBy), order, { signal: late.signal })]);
  late.abort();
  return done;
}

/** Gives back what was paid, then notes it. Both may be done again. */
export async function refundAndCancel(deps: CancelDeps, order: Order): Promise<Order> {
  await answerOf((signal) => deps.payments.refund(order.id, signal), deps);
  reached("orders.refund-made");
  const cancelled = await deps.orders.cancel(order.id, deps.now());
  if (cancelled !== undefined) deps.metrics.count(cancelled.state);
  return cancelled ?? (await deps.orders.get(order.userId, order.id)) ?? order;
}
