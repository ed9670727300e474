import { setTimeout as sleep } from "node:timers/promises";
import type { Kysely } from "kysely";
import { Failure } from "../../runtime/errors.ts";
import type { Payment, PaymentProvider } from "./payment.ts";

/** The provider's own books. Nobody else reads or writes them. */
interface Books {
  simulated_payments: {
    order_id: string;
    currency_code: string;
    minor_units: number;
    payment: Exclude<Payment, "unknown" | "processing">;
    /** From when on the provider knows it. */
    known_at_ms: number;
  };
}

/** What becomes of a payment by its token; all others are declined. */
const tokens = new Map<string, { payment: "charged" | "declined"; slow?: boolean }>([
  ["tok_ok", { payment: "charged" }],
  ["tok_declined", { payment: "declined" }],
  ["tok_slow", { payment: "charged", slow: true }],
  ["tok_slow_declined", { payment: "declined", slow: true }],
]);

/**
 * A payment provider that moves no money. It keeps books like a real one, in
 * transactions of its own, and does to each test token what its name says.
 *
 * @param options.slowMs how long it takes for the slow ones.
 */
export function simulatedPayments<Schema>(store: Kysely<Schema>, options: { slowMs: number; now(): Date }): PaymentProvider {
  const db = store as unknown as Kysely<Books>;
  const now = () => options.now().getTime();
  const entry = (orderId: string) =>
    db.selectFrom("simulated_payments").selectAll().where("order_id", "=", orderId).executeTakeFirst();
  const open = async (row: Books["simulated_payments"]) => {
    await db
      .insertInto("simulated_payments")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return (await entry(row.order_id)) ?? row;
  };
  const find = async (orderId: string): Promise<Payment> => {
    const found = await entry(orderId);
    if (found === undefined) return "unknown";
    return found.known_at_ms > now() ? "processing" : found.payment;
  };

  return {
    find,

    async charge(orderId, amount, token, signal) {
      if (token === "tok_unreachable") throw new Failure("unavailable", "the payment provider cannot be reached");
      const { payment, slow = false } = tokens.get(token) ?? { payment: "declined" };
      const known = await open({
        ...{ order_id: orderId, currency_code: amount.currencyCode, minor_units: Number(amount.minorUnits) },
        payment,
        known_at_ms: now() + (slow ? options.slowMs : 0),
      });
      const waitMs = known.known_at_ms - now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal, ref: false });
      return known.payment === "charged" ? "charged" : "declined";
    },

    async giveUp(orderId) {
      await open({ order_id: orderId, currency_code: "", minor_units: 0, payment: "void", known_at_ms: now() });
      return find(orderId);
    },

    async refund(orderId) {
      const { numUpdatedRows } = await db
        .updateTable("simulated_payments")
        .set({ payment: "refunded" })
        .where("order_id", "=", orderId)
        .where("payment", "in", ["charged", "refunded"])
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new Error("nothing was charged for that order");
    },
  };
}
