import { Counter, Histogram, type Registry } from "prom-client";
import type { OrderState } from "./order-state.ts";

export interface OrderMetrics {
  /** An order has come to this state. */
  count(state: OrderState): void;
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
  return {
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
