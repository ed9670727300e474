import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { OrderState } from "./order-state.ts";

export interface OrderMetrics {
  /** An order has come to this state. */
  count(state: OrderState): void;
  /** How long the order has waited, in milliseconds, that has waited longest to be paid or paid back; 0 if none does. */
  longestWait(ms: number): void;
  /** Measures how long the payment provider takes. */
  timePayment<T extends string>(payment: Promise<T>): Promise<T>;
}

/** Shows how the shop sells: where orders end, and how the payment provider does. */
export function orderMetrics(metrics: Registry): OrderMetrics {
  const orders = new Counter({
    name: "bookmesh_orders_total",
    help: "Orders by the state that they have come to",
    labelNames: ["state"],
    registers: [metrics],
  });
  const payments = new Histogram({
    name: "bookmesh_payment_duration_seconds",
    help: "How long the payment provider took to answer, by its answer",
    labelNames: ["outcome"],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [metrics],
  });
  const longestWait = new Gauge({
    name: "bookmesh_orders_longest_wait_seconds",
    help: "How long the order has waited that has waited longest to be paid or paid back",
    registers: [metrics],
  });
  return {
    longestWait: (ms) => longestWait.set(ms / 1_000),

    count: (state) => orders.inc({ state }),

    async timePayment(payment) {
      const stop = payments.startTimer();
      try {
        const outcome = await payment;
        stop({ outcome });
        return outcome;
      } catch (error) {
        stop({ outcome: "away" });
        throw error;
      }
    },
  };
}
