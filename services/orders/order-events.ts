import type { Money } from "../../gen/bookstore/catalog/v1/book.ts";
import { type OrderCancelled, type OrderedBook, OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import type { Event } from "../../runtime/events/event.ts";
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

/** What a broker gets besides, for those who only want to hear of new orders: the id, as a text, in a queue of its own. */
export function createdQueue({ type, data }: Pick<Event, "type" | "data">): { queue: string; body: string } | undefined {
  if (type !== OrderPlaced.$type) return undefined;
  return { queue: "order_created", body: OrderPlaced.decode(data).orderId };
}

function books({ lines }: Order): OrderedBook[] {
  return lines.map(({ bookId, title, quantity, unitPrice }) => ({ bookId, title, quantity, unitPrice }));
}

function money({ price }: Order, minorUnits: bigint): Money {
  return { currencyCode: price.currencyCode, minorUnits };
}
