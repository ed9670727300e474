/** How an order stands. The contract has the same names behind ORDER_STATE_. */
export const orderStates = ["PENDING_PAYMENT", "PLACED", "PAYMENT_DECLINED", "EXPIRED", "CANCELLED"] as const;

export type OrderState = (typeof orderStates)[number];

const nextStates: Readonly<Record<OrderState, readonly OrderState[]>> = {
  PENDING_PAYMENT: ["PLACED", "PAYMENT_DECLINED", "EXPIRED"],
  PLACED: ["CANCELLED"],
  PAYMENT_DECLINED: [],
  EXPIRED: [],
  CANCELLED: [],
};

/** Whether an order may go from one state to another. */
export function mayBecome(from: OrderState, to: OrderState): boolean {
  return nextStates[from].includes(to);
}
