import type { Money } from "../../gen/bookstore/catalog/v1/book.ts";

/**
 * What a payment provider knows of an order: "unknown" if it never heard of it,
 * "void" if it was told never to charge it.
 */
export type Payment = "unknown" | "processing" | "charged" | "declined" | "refunded" | "void";

/**
 * Whoever moves the money. It is elsewhere: it may be slow or away, and its
 * word is not part of a transaction here. So everything is asked for by the id
 * of the order, and may be asked for again.
 */
export interface PaymentProvider {
  /**
   * Charges an order, once, however often it is asked for.
   *
   * @param token stands for a means of payment. It is used once and kept nowhere.
   * @throws when the provider is away, or the signal aborts: it may have been charged or not.
   */
  charge(orderId: string, amount: Money, token: string, signal: AbortSignal): Promise<"charged" | "declined">;
  /** @throws when the provider is away, or the signal aborts. So do those below, which may have done their work or not. */
  find(orderId: string, signal: AbortSignal): Promise<Payment>;
  /** Sees to it that an order that the provider never heard of is never charged. @returns how it stands then. */
  giveUp(orderId: string, signal: AbortSignal): Promise<Payment>;
  /** Gives back what was charged for an order, once, however often it is asked for. */
  refund(orderId: string, signal: AbortSignal): Promise<void>;
}

/**
 * Asks the provider for something that takes it no time. It is not waited for
 * longer, whatever the provider does with the signal.
 *
 * @throws when there is no answer in time, or the process stops.
 */
export async function answerOf<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  { paymentAnswerMs, stopping }: { paymentAnswerMs: number; stopping: AbortSignal },
): Promise<T> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(paymentAnswerMs)]);
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    signal.throwIfAborted();
    return await Promise.race([ask(signal), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
