import type { FastifyInstance, FastifyRequest } from "fastify";
import type { DocumentsClient } from "../../../clients/documents.ts";
import type { OrdersClient } from "../../../clients/orders.ts";
import type { Order } from "../../../gen/bookstore/orders/v1/orders_service.ts";
import { DOWNLOAD_MS, sendDownload } from "./downloads.ts";
import { orExplain } from "./failure-pages.ts";
import { queryOf } from "./form-schema.ts";
import { isNotThere } from "./not-found.ts";
import { optional, PATIENCE_MS } from "./optional.ts";
import { showPage } from "./page.ts";
import { canBeCancelled, cancelPage, orderPage, ordersPage } from "./pages/orders.ts";
import { problemPage } from "./pages/problem.ts";
import { onlyForUsers } from "./signed-in.ts";
import { userIdOf } from "./visitor.ts";

export interface OrdersDeps {
  orders: Pick<OrdersClient, "getOrder" | "listOrders" | "cancelOrder">;
  documents: Pick<DocumentsClient, "findReceipt" | "downloadDocument">;
}

const PAGE_SIZE = 10;
/** Longer than other pages: the payment provider may be slow. */
const CANCELLING_MS = 8_000;

const ORDERS = [{ href: "/orders", label: "Your orders" }];
const NOT_FOUND = { status: 404, page: problemPage("Order not found", "You have no such order.", ORDERS) };
const AWAY = problemPage(
  "Your orders are out of reach",
  "Orders are taking a break. None of yours is lost: please try again in a minute.",
);
const NO_RECEIPT = problemPage(
  "No receipt yet",
  "The receipt of this order is being made. Please try again in a minute.",
  ORDERS,
);
const RECEIPTS_AWAY = problemPage("Receipts are taking a break", "Yours is not lost. Please try again in a minute.", ORDERS);
const NOT_CANCELLED = "We did not hear whether the order is called off. Please try again in a minute: it is done once.";

const FAILURES = { reasons: { ORDER_NOT_FOUND: () => NOT_FOUND }, otherwise: AWAY };

type ById = { Params: { id: string } };

/** What a user has bought. */
export function ordersRoutes(app: FastifyInstance, { orders, documents }: OrdersDeps): void {
  onlyForUsers(app);
  // What cannot be the id of an order is the id of none.
  app.addHook("preHandler", async (request, reply) => {
    const { id = "none" } = request.params as Partial<ById["Params"]>;
    if (!/^[\w-]{1,36}$/.test(id)) return showPage(reply.status(404), NOT_FOUND.page);
  });

  app.get<{ Querystring: { page: string } }>("/orders", { schema: queryOf("page") }, async (request, reply) => {
    const show = async () => {
      const asked = { userId: userIdOf(request), pageSize: PAGE_SIZE, pageToken: request.query.page };
      const { orders: some, nextPageToken } = await orders.listOrders(asked);
      const next = nextPageToken === "" ? undefined : `/orders?${new URLSearchParams({ page: nextPageToken })}`;
      return showPage(reply, ordersPage(some, next));
    };
    return orExplain(reply, show, FAILURES);
  });

  app.get<ById>("/orders/:id", async (request, reply) => {
    const show = async () => {
      const [order, receipt] = await Promise.all([orderOf(request), hasReceipt(request)]);
      return showPage(reply, orderPage({ order, receipt }));
    };
    return orExplain(reply, show, FAILURES);
  });

  app.get<ById>("/orders/:id/cancel", async (request, reply) => {
    const show = async () => {
      const order = await orderOf(request);
      return canBeCancelled(order) ? showPage(reply, cancelPage(order)) : reply.redirect(`/orders/${order.id}`, 303);
    };
    return orExplain(reply, show, FAILURES);
  });

  app.post<ById>("/orders/:id/cancel", { config: { deadlineMs: CANCELLING_MS } }, async (request, reply) => {
    const { id } = request.params;
    const cancel = async () => {
      await orders.cancelOrder({ userId: userIdOf(request), orderId: id });
      return reply.redirect(`/orders/${id}`, 303);
    };
    return orExplain(reply, cancel, {
      reasons: {
        ...FAILURES.reasons,
        ORDER_NOT_PLACED: async () => {
          const order = await orderOf(request);
          return {
            status: 409,
            page: orderPage({ order, receipt: undefined, problem: "Only an order that is paid can be called off." }),
          };
        },
      },
      otherwise: problemPage("Not called off yet", NOT_CANCELLED, [
        { href: `/orders/${id}/cancel`, label: "Try again" },
        ...ORDERS,
      ]),
    });
  });

  app.get<ById>("/orders/:id/receipt", { config: { deadlineMs: DOWNLOAD_MS, bare: true } }, async (request, reply) => {
    const userId = userIdOf(request);
    const send = async () => {
      const { document } = await documents.findReceipt({ userId, orderId: request.params.id });
      if (document === undefined) throw new Error("documents has answered without a receipt");
      return sendDownload(request, reply, {
        ...{ document, show: true, cacheControl: "no-store" },
        open: (part, signal) => documents.downloadDocument({ userId, documentId: document.id, ...part }, { signal }),
      });
    };
    return orExplain(reply, send, {
      reasons: { RECEIPT_NOT_FOUND: () => ({ status: 404, page: NO_RECEIPT }) },
      otherwise: RECEIPTS_AWAY,
    });
  });

  async function orderOf(request: FastifyRequest): Promise<Order> {
    const { id } = request.params as ById["Params"];
    const { order } = await orders.getOrder({ userId: userIdOf(request), orderId: id });
    if (order === undefined) throw new Error("orders has answered without an order");
    return order;
  }

  function hasReceipt(request: FastifyRequest): Promise<boolean | undefined> {
    const { id } = request.params as ById["Params"];
    const finding = documents.findReceipt({ userId: userIdOf(request), orderId: id }, { deadlineMs: PATIENCE_MS });
    return optional(finding.then(() => true, isNotThere));
  }
}
