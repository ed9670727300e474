import type { StockServiceImplementation } from "../../gen/bookstore/orders/v1/stock_service.ts";
import type { StockStore } from "./stock.ts";

/** Implements bookstore.orders.v1.StockService. */
export function stockHandler(store: StockStore): StockServiceImplementation {
  return {
    getStock: async ({ bookId }) => ({ stock: await store.get(bookId) }),
    setStock: async ({ bookId, onHand }) => ({ stock: await store.set(bookId, onHand) }),
  };
}
