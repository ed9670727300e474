import type { OrdersServiceImplementation } from "../../gen/bookstore/orders/v1/orders_service.ts";
import { currentCall } from "../../runtime/call-context.ts";
import { invalidField } from "../../runtime/errors.ts";
import { decodePageToken, encodePageToken, pageOf } from "../../runtime/page-token.ts";
import { type CheckoutDeps, cancelOrder, placeOrder } from "./checkout.ts";
import { orderMessage } from "./messages.ts";
import { notFound } from "./order.ts";

const DEFAULT_PAGE_SIZE = 20;
/** What it takes to send the answer, so that it comes before the deadline. */
const ANSWER_MS = 300;

/** Implements bookstore.orders.v1.OrdersService. */
export function ordersHandler(deps: CheckoutDeps): OrdersServiceImplementation {
  const { orders } = deps;
  return {
    async placeOrder({ expectedTotal, ...purchase }, { signal }) {
      if (expectedTotal === undefined) throw invalidField("expected_total", "is required");
      return { order: orderMessage(await placeOrder(deps, { ...purchase, expectedTotal }, { answerBy: answerBy(), signal })) };
    },

    async getOrder({ userId, orderId }) {
      const order = await orders.get(userId, orderId);
      if (order === undefined) throw notFound();
      return { order: orderMessage(order) };
    },

    async listOrders({ userId, pageSize, pageToken }) {
      const position = decodePageToken(pageToken, userId, ["number", "string"]);
      const after = position && { createdAtMs: position[0], id: position[1] };
      const { page, last } = await pageOf(pageSize || DEFAULT_PAGE_SIZE, (limit) => orders.list(userId, { after, limit }));
      return {
        orders: page.map(orderMessage),
        nextPageToken: last ? encodePageToken([last.createdAt.getTime(), last.id], userId) : "",
      };
    },

    async cancelOrder({ userId, orderId }) {
      return { order: orderMessage(await cancelOrder(deps, userId, orderId, answerBy())) };
    },
  };
}

function answerBy(): number {
  return (currentCall()?.deadline ?? Number.POSITIVE_INFINITY) - ANSWER_MS;
}
