import { z } from "zod";
import { databaseUrl, peer, serviceSettings } from "../../runtime/config.ts";
import { eventSettings } from "../../runtime/events/config.ts";

const milliseconds = z.coerce.number().int().min(50);

export const configSchema = z.object({
  ...serviceSettings("orders", { port: 50055, adminPort: 9055 }),
  ...eventSettings(),
  DATABASE_URL: databaseUrl.default("sqlite:.bookmesh/orders.db"),
  REGISTER_HOST: peer("register", 50053),
  MARKETPLACE_HOST: peer("marketplace", 50052),
  /** How many copies there are of a book that nobody has counted. */
  DEFAULT_STOCK: z.coerce.number().int().min(0).max(1_000_000).default(1_000),
  /** How long a guest's cart is kept after its last change. */
  GUEST_CART_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  /** How long a buyer waits for the payment provider before the order is told to be pending. */
  PAYMENT_WAIT_MS: milliseconds.max(60_000).default(3_000),
  /** When an order expires whose payment never reached the payment provider. */
  PAYMENT_TIMEOUT_MS: milliseconds.max(86_400_000).default(60_000),
  /** How often unsettled orders are looked for. */
  SETTLE_INTERVAL_MS: milliseconds.max(600_000).default(2_000),
  /** How long the simulated payment provider takes for the tokens that are slow. */
  SIMULATED_PAYMENT_SLOW_MS: milliseconds.max(600_000).default(5_000),
});
