import type { Money } from "../../gen/bookstore/catalog/v1/book.ts";
import type { Cart } from "../../gen/bookstore/orders/v1/cart_service.ts";
import { type Order as OrderMessage, OrderState } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { pricedLines, revisionOf, type ShownCart } from "./cart.ts";
import type { Order } from "./order.ts";
import { lineTotal, type Price } from "./price.ts";

/** A cart as the contract has it. */
export function cartMessage({ lines, price }: ShownCart): Cart {
  return {
    lines: lines.map(({ bookId, quantity, offer, inStock }) => ({
      ...{ bookId, quantity, inStock, title: offer?.title ?? "", unitPrice: offer?.unitPrice, gone: offer === undefined },
      total: offer && { ...offer.unitPrice, minorUnits: lineTotal({ ...offer, quantity }) },
    })),
    quantity: pricedLines(lines).reduce((sum, { quantity }) => sum + quantity, 0),
    ...priceMessage(price),
    revision: revisionOf(lines),
  };
}

/** An order as the contract has it. */
export function orderMessage({ id, userId, state, lines, price, createdAt, history, cancelRequestedAt }: Order): OrderMessage {
  return {
    ...{ id, userId, state: OrderState[`ORDER_STATE_${state}`], createTime: createdAt, cancelRequestTime: cancelRequestedAt },
    lines: lines.map((line) => ({ ...line, total: { ...line.unitPrice, minorUnits: lineTotal(line) } })),
    ...priceMessage(price),
    buyTwoGetOneFreePromo: price.discount > 0n,
    history: history.map((change) => ({ state: OrderState[`ORDER_STATE_${change.state}`], time: change.at })),
  };
}

function priceMessage(price: Price | undefined) {
  const money = (minorUnits: bigint): Money | undefined => price && { currencyCode: price.currencyCode, minorUnits };
  return {
    subtotal: price && money(price.subtotal),
    discount: price && price.discount > 0n ? money(price.discount) : undefined,
    total: price && money(price.total),
  };
}
