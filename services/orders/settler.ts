import { pollEvery } from "../../runtime/poll.ts";
import { reached } from "../../runtime/steps.ts";
import { type CancelDeps, refundAndCancel } from "./checkout.ts";
import type { Order } from "./order.ts";
import { answerOf, type Payment } from "./payment.ts";

export interface SettlerDeps extends CancelDeps {
  /** Orders younger than this are worked on by the call that made them. */
  settleAfterMs: number;
  /** When an order expires that the payment provider never heard of. */
  paymentTimeoutMs: number;
  removeExpiredCarts(now: Date): Promise<void>;
}

/** One that the provider does not answer for must not hold up the others. */
const ORDERS_AT_ONCE = 10;

interface Failed {
  orderId: string;
  error: unknown;
}

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

  /** Looks now, and every `intervalMs` milliseconds. @returns stops it, when the look in hand is over. */
  start(intervalMs: number): () => Promise<void> {
    const onError = (error: unknown) => this.#deps.logger.warn({ err: error }, "could not look for unsettled orders");
    const first = this.look().catch(onError);
    const stop = pollEvery(intervalMs, () => this.look(), onError);
    return async () => {
      await Promise.all([first, stop()]);
    };
  }

  /** Looks once. */
  async look(): Promise<void> {
    const { orders, now, settleAfterMs, stopping } = this.#deps;
    const before = new Date(now().getTime() - settleAfterMs);
    const failures: Failed[] = [];
    let afterId = "";
    while (!stopping.aborted) {
      const batch = await orders.unsettled(before, afterId, ORDERS_AT_ONCE);
      const outcomes = await Promise.all(batch.map((order) => this.#trySettle(order)));
      failures.push(...outcomes.filter((outcome) => outcome !== undefined));
      const last = batch.at(-1);
      if (last === undefined || batch.length < ORDERS_AT_ONCE) break;
      afterId = last.id;
    }
    this.#report(failures);
    await this.#deps.removeExpiredCarts(now());
  }

  /** @returns what went wrong. */
  async #trySettle(order: Order): Promise<Failed | undefined> {
    try {
      await this.#settle(order);
    } catch (error) {
      return { orderId: order.id, error };
    }
    return undefined;
  }

  /** In one line: while the provider is away, all that wait for it fail, at each look of each replica. */
  #report(failures: readonly Failed[]): void {
    const [first] = failures;
    if (first === undefined || this.#deps.stopping.aborted) return;
    const { orderId, error } = first;
    this.#deps.logger.warn({ err: error, orderId, orders: failures.length }, "could not settle orders");
  }

  async #settle(order: Order): Promise<void> {
    if (order.state === "PLACED") return void (await refundAndCancel(this.#deps, order));
    const { orders, payments, metrics, logger, now, paymentTimeoutMs } = this.#deps;
    const ask = (question: (signal: AbortSignal) => Promise<Payment>) => answerOf(question, this.#deps);
    const expired = now().getTime() - order.createdAt.getTime() >= paymentTimeoutMs;
    const found = await ask((signal) => payments.find(order.id, signal));
    const payment = found === "unknown" && expired ? await ask((signal) => payments.giveUp(order.id, signal)) : found;
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
