import type { Evidence } from "./evidence.ts";
import { type Bought, judge } from "./judge.ts";

const USER = { user_id: "p0-1" };
const ORDER = { order_id: "6f9c" };
const PLACED = { id: "6f9c", ...USER, idempotency_key: "key", state: "PLACED", total: 2_000, discount: 1_000 };

const bought: Bought = {
  request: { userId: "p0-1", idempotencyKey: "key", expectedTotal: undefined, expectedCartRevision: "", paymentToken: "tok_ok" },
  items: [[7, 3]],
  answers: [{ orderId: "6f9c", state: "PLACED" }],
};
const unanswered: Bought = { ...bought, answers: [] };

/** An order that is placed, with all that follows. */
const whole: Evidence = {
  orders: [PLACED],
  events: [{ ...ORDER, type: "bookstore.events.v1.OrderPlaced" }],
  payments: [{ ...ORDER, payment: "charged", minor_units: 2_000 }],
  promotions: [USER],
  carts: [],
  notifications: [{ ...USER, ...ORDER, kind: "order-placed" }],
  interactions: [{ ...USER, origin_id: "6f9c", book_id: 7, counts: 1 }],
  receipts: [{ ...USER, ...ORDER }],
};
const cart = { owner: "user/p0-1", book_id: 7, quantity: 3 };
/** Nothing but the cart as it was. */
const nothing: Evidence = {
  ...{ orders: [], events: [], payments: [], promotions: [], carts: [cart], notifications: [], interactions: [], receipts: [] },
};
const expired: Evidence = {
  ...nothing,
  orders: [{ ...PLACED, state: "EXPIRED" }],
  events: [{ ...ORDER, type: "bookstore.events.v1.OrderPaymentFailed" }],
  payments: [{ ...ORDER, payment: "void", minor_units: 0 }],
  notifications: [{ ...USER, ...ORDER, kind: "payment-failed" }],
};
const faults = (who: Bought, evidence: Evidence) => [...new Set(judge(who, evidence).map(({ fault }) => fault))];

test("finds nothing wrong with an order that is whole, one that has expired, and none at all", () => {
  expect(judge(bought, whole)).toEqual([]);
  expect(judge(unanswered, whole)).toEqual([]);
  expect(judge({ ...bought, answers: [{ orderId: "6f9c", state: "PENDING_PAYMENT" }] }, expired)).toEqual([]);
  expect(judge(unanswered, expired)).toEqual([]);
  expect(judge(unanswered, nothing)).toEqual([]);
});

test.each(["events", "payments", "notifications", "interactions", "receipts", "promotions"] as const)(
  "finds that %s of an order that was acknowledged are lost, and that one that was not is there in parts",
  (table) => {
    expect(faults(bought, { ...whole, [table]: [] })).toEqual(["lost"]);
    expect(faults(unanswered, { ...whole, [table]: [] })).toEqual(["half"]);
  },
);

test.each(["events", "payments", "notifications", "interactions", "receipts"] as const)(
  "finds %s that are there twice",
  (table) => {
    const rows: readonly unknown[] = whole[table] ?? [];

    expect(faults(bought, { ...whole, [table]: [...rows, ...rows] })).toEqual(["doubled"]);
  },
);

test("finds an order that was acknowledged and is not there, or is not placed", () => {
  expect(faults(bought, nothing)).toContain("lost");
  expect(faults(bought, expired)).toContain("lost");
});

test("finds two orders of one key, and two answers that name different ones", () => {
  const answers = [...bought.answers, { orderId: "other", state: "PLACED" }];

  expect(faults(bought, { ...whole, orders: [PLACED, { ...PLACED, id: "other" }] })).toContain("doubled");
  expect(faults({ ...bought, answers }, whole)).toContain("doubled");
});

test.each<[string, Evidence]>([
  ["waits for its payment for ever", { ...expired, orders: [{ ...PLACED, state: "PENDING_PAYMENT" }] }],
  ["is charged and has expired", { ...expired, payments: [{ ...ORDER, payment: "charged", minor_units: 2_000 }] }],
  ["is charged something else", { ...whole, payments: [{ ...ORDER, payment: "charged", minor_units: 3_000 }] }],
  ["has used up the promotion and has expired", { ...expired, promotions: [USER] }],
  ["has emptied the cart and has expired", { ...expired, carts: [] }],
  ["is placed and still in the cart", { ...whole, carts: [cart] }],
  ["is told of and not there", { ...nothing, notifications: whole.notifications }],
  ["is learned from with another book", { ...whole, interactions: [{ ...USER, origin_id: "6f9c", book_id: 8, counts: 1 }] }],
])("finds an order that %s", (_what, evidence) => {
  expect(faults(unanswered, evidence)).toEqual(["half"]);
});
