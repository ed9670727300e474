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

/** One that waits on. */
interface Waiting {
  order: Order;
  /** Undefined if its payment is under way. */
  error?: unknown;
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
    const { orders, metrics, now, settleAfterMs, stopping } = this.#deps;
    const before = new Date(now().getTime() - settleAfterMs);
    const waiting: Waiting[] = [];
    let afterId = "";
    while (!stopping.aborted) {
      const batch = await orders.unsettled(before, afterId, ORDERS_AT_ONCE);
      const outcomes = await Promise.all(batch.map((order) => this.#trySettle(order)));
      waiting.push(...outcomes.filter((outcome) => outcome !== undefined));
      const last = batch.at(-1);
      if (last === undefined || batch.length < ORDERS_AT_ONCE) break;
      afterId = last.id;
    }
    this.#report(waiting.filter(({ error }) => error !== undefined));
    const oldest = Math.min(now().getTime(), ...waiting.map(({ order }) => waitsSince(order).getTime()));
    metrics.longestWait(now().getTime() - oldest);
    await this.#deps.removeExpiredCarts(now());
  }

  /** @returns undefined if it is settled. */
  async #trySettle(order: Order): Promise<Waiting | undefined> {
    try {
      return (await this.#settle(order)) ? undefined : { order };
    } catch (error) {
      return { order, error };
    }
  }

  /** In one line: while the provider is away, all that wait for it fail, at each look of each replica. */
  #report(failures: readonly Waiting[]): void {
    const [first] = failures;
    if (first === undefined || this.#deps.stopping.aborted) return;
    const { order, error } = first;
    this.#deps.logger.warn({ err: error, orderId: order.id, orders: failures.length }, "could not settle orders");
  }

  /** @returns whether it waits no more. */
  async #settle(order: Order): Promise<boolean> {
    if (order.state === "PLACED") return (await refundAndCancel(this.#deps, order)).state !== "PLACED";
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
    // Another replica may have been faster.
    if (settled === undefined) return payment !== "processing" && payment !== "unknown";
    metrics.count(settled.state);
    logger.info({ orderId: settled.id, state: settled.state }, "settled an order");
    return true;
  }
}

function waitsSince({ createdAt, cancelRequestedAt }: Order): Date {
  return cancelRequestedAt ?? createdAt;
}
