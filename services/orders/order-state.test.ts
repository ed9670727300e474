import { OrderState as StateInContract } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { mayBecome, type OrderState, orderStates } from "./order-state.ts";

const ALLOWED = new Set([
  "PENDING_PAYMENT → PLACED",
  "PENDING_PAYMENT → PAYMENT_DECLINED",
  "PENDING_PAYMENT → EXPIRED",
  "PLACED → CANCELLED",
]);

const pairs = orderStates.flatMap((from) => orderStates.map((to): [OrderState, OrderState] => [from, to]));

test.each(pairs)("an order that is %s may become %s only where the drawing says so", (from, to) => {
  expect(mayBecome(from, to)).toBe(ALLOWED.has(`${from} → ${to}`));
});

test("the contract has the same states", () => {
  const inContract = Object.keys(StateInContract).filter((name) => !/UNSPECIFIED|UNRECOGNIZED/.test(name));

  expect(inContract).toEqual(orderStates.map((state) => `ORDER_STATE_${state}`));
});
