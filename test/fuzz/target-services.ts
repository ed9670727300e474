import { adsContract } from "../../services/registry/xds/contract.ts";
import { addDocuments } from "./servers/documents.ts";
import { addEcho } from "./servers/echo.ts";
import type { AddServices } from "./servers/making.ts";
import { addMarketplace } from "./servers/marketplace.ts";
import { addOrders } from "./servers/orders.ts";
import { addPush } from "./servers/push.ts";
import { addRecommendations } from "./servers/recommendations.ts";
import { addRegister } from "./servers/register.ts";
import { addRegistry } from "./servers/registry.ts";
import { addReviews } from "./servers/reviews.ts";

/** By the name of the server. Those whose events others handle are made before them. */
export const SERVERS: Readonly<Record<string, AddServices>> = {
  echo: addEcho,
  register: addRegister,
  marketplace: addMarketplace,
  orders: addOrders,
  reviews: addReviews,
  push: addPush,
  recommendations: addRecommendations,
  documents: addDocuments,
  registry: addRegistry,
};

/** What the servers serve besides, by contracts of others. */
export const FOREIGN: Readonly<Record<string, readonly string[]>> = { registry: [adsContract.service] };
