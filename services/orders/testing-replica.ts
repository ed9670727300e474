// A replica of orders that buys the carts of users when it is told to, each at
// ten dollars, and calls the orders off if it shall. Started with its work, in JSON.
import { Registry } from "prom-client";
import { Failure } from "../../runtime/errors.ts";
import { createLogger } from "../../runtime/logger.ts";
import { type CheckoutDeps, cancelOrder, placeOrder } from "./checkout.ts";
import { orderMetrics } from "./order-metrics.ts";
import { simulatedPayments } from "./simulated-payments.ts";
import { openOrdersStore } from "./store.ts";

export interface ReplicaWork {
  url: string;
  /** Who buys, and with which idempotency key. */
  buyers: readonly { userId: string; key: string }[];
  defaultStock: number;
  cancel?: boolean;
}

/** What became of an order: its id and state, or why there is none. */
export type Outcome = { id: string; state: string } | { reason: string | undefined };

const TEN_DOLLARS = { currencyCode: "USD", minorUnits: 1000n };
const { url, buyers, defaultStock, cancel = false }: ReplicaWork = JSON.parse(process.argv[2] ?? "");
const logger = createLogger({ name: "replica", level: "silent" });
const store = await openOrdersStore(url, logger, { defaultStock, guestCartMs: 1_000 });
const now = () => new Date();
const deps: CheckoutDeps = {
  ...store,
  ...{ logger, now, paymentWaitMs: 10_000, paymentAnswerMs: 10_000, stopping: new AbortController().signal },
  payments: simulatedPayments(store.db, { slowMs: 1_000, now }),
  findOffers: async (bookIds) => new Map(bookIds.map((bookId) => [bookId, offerOf(bookId)])),
  availableCopies: store.stock.available,
  canUsePromotion: store.promotion.available,
  isRegistered: async () => true,
  metrics: orderMetrics(new Registry()),
};

function offerOf(bookId: number) {
  return { bookId, title: `Book ${bookId}`, unitPrice: TEN_DOLLARS };
}

async function buyOne({ userId, key: idempotencyKey }: { userId: string; key: string }): Promise<Outcome> {
  const answerBy = Date.now() + 10_000;
  const purchase = { userId, idempotencyKey, paymentToken: "tok_ok", expectedTotal: TEN_DOLLARS, expectedCartRevision: "" };
  try {
    const { id, state } = await placeOrder(deps, purchase, { answerBy, signal: AbortSignal.timeout(10_000) });
    return cancel ? await cancelOrder(deps, userId, id, answerBy) : { id, state };
  } catch (error) {
    if (error instanceof Failure) return { reason: error.reason };
    throw error;
  }
}

process.once("message", async () => {
  const outcomes = await Promise.all(buyers.map(buyOne));
  await store.close();
  process.send?.(outcomes, () => process.disconnect());
});
process.send?.("ready");
