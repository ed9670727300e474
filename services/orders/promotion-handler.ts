import type { PromotionServiceImplementation } from "../../gen/bookstore/orders/v1/promotion_service.ts";
import type { PromotionStore } from "./promotion-store.ts";

export interface PromotionDeps {
  promotion: PromotionStore;
  /** Asks register who all its users are, page by page. */
  userIds(signal: AbortSignal): AsyncIterable<readonly string[]>;
}

/** Implements bookstore.orders.v1.PromotionService. */
export function promotionHandler({ promotion, userIds }: PromotionDeps): PromotionServiceImplementation {
  return {
    getPromotion: async ({ userId }) => ({ available: await promotion.available(userId) }),

    async remindOfPromotion({ campaign }, { signal }) {
      let remindedCount = 0;
      for await (const page of userIds(signal)) remindedCount += await promotion.remind(campaign, page);
      return { remindedCount };
    },
  };
}
