import type { Money } from "../../gen/bookstore/catalog/v1/book.ts";
import type { OrderCancelled, OrderedBook, OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import type { Order } from "./order.ts";

type Data<Message> = Omit<Message, "$type">;

/** What others are told of an order that is paid. */
export function placedEvent(order: Order, now: Date): Data<OrderPlaced> {
  const { price } = order;
  return {
    ...{ orderId: order.id, userId: order.userId, books: books(order) },
    total: money(order, price.total),
    discount: price.discount > 0n ? money(order, price.discount) : undefined,
    buyTwoGetOneFreePromo: price.discount > 0n,
    placeTime: now,
  };
}

/** What others are told of an order that was called off. */
export function cancelledEvent(order: Order): Data<OrderCancelled> {
  return { orderId: order.id, userId: order.userId, books: books(order), refund: money(order, order.price.total) };
}

function books({ lines }: Order): OrderedBook[] {
  return lines.map(({ bookId, title, quantity, unitPrice }) => ({ bookId, title, quantity, unitPrice }));
}

function money({ price }: Order, minorUnits: bigint): Money {
  return { currencyCode: price.currencyCode, minorUnits };
}
