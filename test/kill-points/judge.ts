import type { Evidence, OrderEvidence } from "./evidence.ts";
import type { Purchase } from "./purchase.ts";

/** What there is to know of a buyer. */
export type Bought = Pick<Purchase, "request" | "items" | "answers">;

/**
 * What may be wrong with an order: something of one that was acknowledged is
 * not there; something is there twice; or it is there in parts, or never ends.
 */
export type Fault = "lost" | "doubled" | "half";

export interface Finding {
  readonly fault: Fault;
  readonly text: string;
}

const PLACED_EVENT = "bookstore.events.v1.OrderPlaced";
const FAILED_EVENT = "bookstore.events.v1.OrderPaymentFailed";

/** What is wrong with a purchase, once orders has settled it and all events are handled. */
export function judge(purchase: Bought, evidence: Evidence): Finding[] {
  const { userId, idempotencyKey } = purchase.request;
  const findings: Finding[] = [];
  const find = (fault: Fault, text: string) => findings.push({ fault, text: `${userId}: ${text}` });
  const own = evidence.orders.filter((order) => order.user_id === userId);
  const order = own.find((one) => one.idempotency_key === idempotencyKey);
  const { answers } = purchase;
  if (own.length > 1) find("doubled", `${own.length} orders of one key`);
  if (new Set(answers.map(({ orderId }) => orderId)).size > 1) find("doubled", "was told of several orders");
  if (order === undefined) {
    if (answers.length > 0) find("lost", "was told of an order that is not there");
  } else {
    const { state } = answers.at(-1) ?? { state: order.state };
    if (state !== order.state && state !== "PENDING_PAYMENT") {
      find(state === "PLACED" ? "lost" : "half", `was told that it is ${state}, and it is ${order.state}`);
    }
    if (order.state === "PENDING_PAYMENT") find("half", "waits for its payment for ever");
  }
  for (const [what, found, expected] of expectations(purchase, order, evidence)) {
    if (found === expected) continue;
    const acknowledged = answers.some(({ state }) => state === "PLACED");
    const fault = found > expected ? (expected === 0 ? "half" : "doubled") : acknowledged ? "lost" : "half";
    find(fault, `${what}: ${found}, not ${expected}`);
  }
  return findings;
}

/** [what, how often it is there, how often it has to be] */
function expectations(
  { request: { userId }, items, answers }: Bought,
  order: OrderEvidence | undefined,
  evidence: Evidence,
): [string, number, number][] {
  const once = order?.state === "PLACED" ? 1 : 0;
  const count = <Row>(rows: readonly Row[], fits: (row: Row) => boolean) => rows.filter(fits).length;
  const events = (type: string) => count(evidence.events, (event) => event.order_id === order?.id && event.type === type);
  const told = (kind: string) => count(evidence.notifications, (row) => row.user_id === userId && row.kind === kind);
  const failures = events(FAILED_EVENT);
  const charges = evidence.payments.filter((row) => row.order_id === order?.id && row.payment === "charged");
  const inCart = count(evidence.carts, (line) => {
    return (
      line.owner === `user/${userId}` && items.some(([bookId, quantity]) => bookId === line.book_id && quantity === line.quantity)
    );
  });
  const bought = evidence.interactions?.filter((row) => row.user_id === userId);
  const ofItems = (row: { book_id: number; origin_id: string; counts: number }) =>
    row.counts === 1 && row.origin_id === order?.id && items.some(([bookId]) => bookId === row.book_id);
  const receipts = evidence.receipts?.filter((row) => row.user_id === userId);
  // Of a payment that is declined hears by an event only who was told to wait, or might have been.
  const mayFail = order?.state === "PAYMENT_DECLINED" ? Math.min(failures, 1) : 0;
  return [
    ["events that it is placed", events(PLACED_EVENT), once],
    ["events that it is not paid", failures, order?.state === "EXPIRED" ? 1 : mayFail],
    ["notifications that it is placed", told("order-placed"), once],
    ["notifications that it is not paid", told("payment-failed"), failures],
    ["payments that are charged", charges.length, once],
    ["payments of another amount", count(charges, ({ minor_units: charged }) => charged !== order?.total), 0],
    [
      "uses of the promotion",
      count(evidence.promotions, (row) => row.user_id === userId),
      once === 1 && order && order.discount > 0 ? 1 : 0,
    ],
    ["lines left in the cart", inCart, once === 1 ? 0 : items.length],
    ...(bought === undefined
      ? []
      : ([
          ["books that it is known were bought", bought.filter(ofItems).length, once * items.length],
          ["other books that it is said were bought", bought.filter((row) => !ofItems(row)).length, 0],
        ] as [string, number, number][])),
    ...(receipts === undefined ? [] : ([["receipts", receipts.length, once]] as [string, number, number][])),
    ["answers that name no order", count(answers, ({ orderId }) => orderId === ""), 0],
  ];
}
