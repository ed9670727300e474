import { MarketplaceServiceDefinition } from "../../../gen/bookstore/marketplace/v1/marketplace_service.ts";
import { Wakeups } from "../../../runtime/wakeups.ts";
import { stockShelves } from "../../../services/marketplace/built-in-catalogue.ts";
import { marketplaceHandler } from "../../../services/marketplace/handler.ts";
import { openMarketplaceStore } from "../../../services/marketplace/store.ts";
import type { AddServices } from "./making.ts";

export const addMarketplace: AddServices = async (server, { databaseUrl, logger, stack }) => {
  const store = await openMarketplaceStore(databaseUrl, logger);
  stack.defer(store.close);
  await stockShelves(store);
  server.add(MarketplaceServiceDefinition, marketplaceHandler({ store, wakeups: new Wakeups() }));
};
