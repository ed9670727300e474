import { pollEvery } from "../../runtime/poll.ts";
import { reached } from "../../runtime/steps.ts";
import { type CancelDeps, refundAndCancel } from "./checkout.ts";
import type { Order } from "./order.ts";

export interface SettlerDeps extends CancelDeps {
  /** Orders younger than this are worked on by the call that made them. */
  settleAfterMs: number;
  /** When an order expires that the payment provider never heard of. */
  paymentTimeoutMs: number;
  removeExpiredCarts(now: Date): Promise<void>;
}

const ORDERS_AT_ONCE = 100;

/**
 * Finishes what a call could not: payments that took too long, orders whose
 * process was ended half-way, refunds. Several replicas may do so at once, as
 * each order goes on from a state only once.
 */
export class Settler {
  readonly #deps: SettlerDeps;

  constructor(deps: SettlerDeps) {
    this.#deps = deps;
  }

  /** Looks now, and every `intervalMs` milliseconds. @returns stops it. */
  start(intervalMs: number): () => void {
    const onError = (error: unknown) => this.#deps.logger.warn({ err: error }, "could not look for unsettled orders");
    this.look().catch(onError);
    return pollEvery(intervalMs, () => this.look(), onError);
  }

  /** Looks once. */
  async look(): Promise<void> {
    const { orders, now, logger, settleAfterMs } = this.#deps;
    const before = new Date(now().getTime() - settleAfterMs);
    let afterId = "";
    while (true) {
      const batch = await orders.unsettled(before, afterId, ORDERS_AT_ONCE);
      for (const order of batch) {
        await this.#settle(order).catch((error: unknown) => {
          logger.warn({ err: error, orderId: order.id }, "could not settle an order");
        });
      }
      const last = batch.at(-1);
      if (last === undefined || batch.length < ORDERS_AT_ONCE) break;
      afterId = last.id;
    }
    await this.#deps.removeExpiredCarts(now());
  }

  async #settle(order: Order): Promise<void> {
    if (order.state === "PLACED") return void (await refundAndCancel(this.#deps, order));
    const { orders, payments, metrics, logger, now, paymentTimeoutMs } = this.#deps;
    const expired = now().getTime() - order.createdAt.getTime() >= paymentTimeoutMs;
    const found = await payments.find(order.id);
    const payment = found === "unknown" && expired ? await payments.giveUp(order.id) : found;
    if (payment === "void") reached("orders.given-up-by-provider");
    const settled = await (() => {
      switch (payment) {
        case "charged":
          return orders.place(order.id, now());
        case "declined":
          return orders.giveUp(order.id, "PAYMENT_DECLINED", { tell: true, now: now() });
        case "void":
          return orders.giveUp(order.id, "EXPIRED", { tell: true, now: now() });
        default:
          return undefined;
      }
    })();
    if (settled === undefined) return;
    metrics.count(settled.state);
    logger.info({ orderId: settled.id, state: settled.state }, "settled an order");
  }
}
