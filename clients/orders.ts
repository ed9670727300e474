import type { Channel } from "nice-grpc";
import {
  type CartServiceClient,
  CartServiceDefinition,
  type GuestCartServiceClient,
  GuestCartServiceDefinition,
} from "../gen/bookstore/orders/v1/cart_service.ts";
import { type OrdersServiceClient, OrdersServiceDefinition } from "../gen/bookstore/orders/v1/orders_service.ts";
import { type PromotionServiceClient, PromotionServiceDefinition } from "../gen/bookstore/orders/v1/promotion_service.ts";
import { type StockServiceClient, StockServiceDefinition } from "../gen/bookstore/orders/v1/stock_service.ts";
import { type ClientCallOptions, clientFactory } from "../interceptors/client/chain.ts";
import type { Logger } from "../runtime/logger.ts";

export type OrdersClient = OrdersServiceClient<ClientCallOptions>;
export type CartClient = CartServiceClient<ClientCallOptions>;
export type GuestCartClient = GuestCartServiceClient<ClientCallOptions>;
export type PromotionClient = PromotionServiceClient<ClientCallOptions>;
export type StockClient = StockServiceClient<ClientCallOptions>;

/**
 * A client of bookstore.orders.v1.OrdersService. Deadlines and retries are the contract's.
 *
 * @param channel stays the caller's, to share and to close.
 */
export function ordersClient(channel: Channel, logger: Logger): OrdersClient {
  return clientFactory({ logger }).create(OrdersServiceDefinition, channel);
}

/** A client of bookstore.orders.v1.CartService: the carts of users. As ordersClient. */
export function cartClient(channel: Channel, logger: Logger): CartClient {
  return clientFactory({ logger }).create(CartServiceDefinition, channel);
}

/** A client of bookstore.orders.v1.GuestCartService: the carts of guests. As ordersClient. */
export function guestCartClient(channel: Channel, logger: Logger): GuestCartClient {
  return clientFactory({ logger }).create(GuestCartServiceDefinition, channel);
}

/** A client of bookstore.orders.v1.PromotionService. As ordersClient. */
export function promotionClient(channel: Channel, logger: Logger): PromotionClient {
  return clientFactory({ logger }).create(PromotionServiceDefinition, channel);
}

/** A client of bookstore.orders.v1.StockService. As ordersClient. */
export function stockClient(channel: Channel, logger: Logger): StockClient {
  return clientFactory({ logger }).create(StockServiceDefinition, channel);
}
