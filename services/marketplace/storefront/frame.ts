import type { FastifyInstance, FastifyRequest } from "fastify";
import type { PromotionClient } from "../../../clients/orders.ts";
import type { PushClient } from "../../../clients/push.ts";
import { type CartDeps, cartOf } from "./carts.ts";
import { optional } from "./optional.ts";
import { visitorOf } from "./visitor.ts";

/** What the top of each page says of whoever looks at it. */
export interface Frame {
  /** How many copies are in the cart. Undefined if nobody can say. */
  readonly inCart?: number | undefined;
  /** How many notifications are not read. Undefined for guests, and if nobody can say. */
  readonly unread?: number | undefined;
  /** Whether "buy two, get one free" is still there for them. */
  readonly offer: boolean;
}

export interface FrameDeps extends CartDeps {
  promotion: Pick<PromotionClient, "getPromotion">;
  push: Pick<PushClient, "listNotifications">;
}

/** The page is worth more than what stands on top of it. */
const PATIENCE = { deadlineMs: 400 };
const NOTHING: Frame = { offer: false };

const frames = new WeakMap<FastifyRequest, () => Promise<Frame>>();

/** Asks for what stands on top of the pages of `app` while the rest of each is made. */
export function framePages(app: FastifyInstance, deps: FrameDeps): void {
  app.addHook("onRequest", async (request, reply) => {
    let asked: Promise<Frame> | undefined;
    const ask = () => {
      asked ??= frameFor(request, cartOf(request, reply, deps), deps);
      return asked;
    };
    if (visitorOf(request).kind === "unknown") return;
    frames.set(request, ask);
    // A form changes what is to be asked for, and mostly leads to another page.
    if (request.method === "GET" && !request.routeOptions.config.bare) ask().catch(() => {});
  });
}

export function frameOf(request: FastifyRequest): Promise<Frame> {
  return frames.get(request)?.() ?? Promise.resolve(NOTHING);
}

async function frameFor(request: FastifyRequest, cart: ReturnType<typeof cartOf>, deps: FrameDeps): Promise<Frame> {
  const visitor = visitorOf(request);
  const size = optional(cart.size(PATIENCE));
  if (visitor.kind !== "signed in") return { inCart: await size, offer: true };
  const { userId } = visitor;
  const [inCart, promotion, notifications] = await Promise.all([
    size,
    optional(deps.promotion.getPromotion({ userId }, PATIENCE)),
    optional(deps.push.listNotifications({ userId, pageSize: 1 }, PATIENCE)),
  ]);
  return { inCart, unread: notifications?.unreadCount, offer: promotion?.available ?? false };
}
