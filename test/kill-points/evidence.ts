import type { Shop } from "./shop.ts";
import { STOCK } from "./shop.ts";

export interface OrderEvidence {
  readonly id: string;
  readonly user_id: string;
  readonly idempotency_key: string;
  readonly state: string;
  readonly total: number;
  readonly discount: number;
}

/** What the stores hold of some users, as it stands there. */
export interface Evidence {
  readonly orders: readonly OrderEvidence[];
  readonly events: readonly { order_id: string; type: string }[];
  readonly payments: readonly { order_id: string; payment: string; minor_units: number }[];
  readonly promotions: readonly { user_id: string }[];
  readonly carts: readonly { owner: string; book_id: number; quantity: number }[];
  readonly notifications: readonly { user_id: string; kind: string; order_id: string }[];
  /** Undefined where nobody runs that would write them. */
  readonly interactions: readonly { user_id: string; origin_id: string; book_id: number; counts: number }[] | undefined;
  readonly receipts: readonly { user_id: string; order_id: string }[] | undefined;
}

/** Reads what the stores hold of the users whose ids begin with a prefix. */
export async function readEvidence({ stores, consumers }: Shop, prefix: string): Promise<Evidence> {
  const ofOrders = `orders o where o.user_id like '${prefix}%'`;
  const own = `user_id like '${prefix}%'`;
  const optional = async <Row>(service: "recommendations" | "documents", query: string) =>
    consumers.includes(service) ? stores.rows<Row>(service, query) : undefined;
  return {
    orders: await stores.rows("orders", `select o.* from ${ofOrders}`),
    events: await stores.rows(
      "orders",
      `select o.id as order_id, e.type from event_log e, ${ofOrders} and e.subject = 'orders/' || o.id`,
    ),
    payments: await stores.rows("orders", `select p.* from simulated_payments p, ${ofOrders} and p.order_id = o.id`),
    promotions: await stores.rows("orders", `select user_id from promotion_uses where ${own}`),
    carts: await stores.rows("orders", `select * from cart_lines where owner like 'user/${prefix}%'`),
    notifications: await stores.rows("push", `select user_id, kind, order_id from notifications where ${own}`),
    interactions: await optional("recommendations", `select * from interactions where kind = 'bought' and ${own}`),
    receipts: await optional("documents", `select user_id, order_id from documents where ${own}`),
  };
}

/** What is wrong with the stores as a whole, each as a sentence. */
export async function wholeProblems({ stores, consumers }: Shop): Promise<string[]> {
  const problems: string[] = [];
  const look = async (what: string, service: string, query: string) => {
    for (const row of await stores.rows(service, query)) problems.push(`${what}: ${JSON.stringify(row)}`);
  };
  const placedEvents = "event_log where type = 'bookstore.events.v1.OrderPlaced'";
  await look(
    "an event of no order that is placed",
    "orders",
    `select subject from ${placedEvents} and not exists (select 1 from orders where 'orders/' || id = subject and state = 'PLACED')`,
  );
  await look(
    "a payment of no order",
    "orders",
    "select order_id, payment from simulated_payments where order_id not in (select id from orders)",
  );
  const sold =
    "select sum(l.quantity) from order_lines l, orders o where o.id = l.order_id and o.state = 'PLACED' and l.book_id = s.book_id";
  await look(
    "stock that is not exact",
    "orders",
    `select s.* from stock s where s.reserved <> 0 or s.on_hand <> ${STOCK} - coalesce((${sold}), 0)`,
  );
  for (const consumer of consumers)
    await look(`${consumer} has set an event aside`, consumer, "select id, error from set_aside_events");
  if (consumers.includes("recommendations")) {
    const [events] = await stores.rows<{ count: number }>("orders", `select count(*) as count from ${placedEvents}`);
    // Each purchase that is noted moves the revision on by one, also if it is noted a second time.
    await look(
      "other than so many purchases",
      "recommendations",
      `select revision from interactions_head where revision <> ${events?.count}`,
    );
  }
  return problems;
}
