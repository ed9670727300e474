import { Registry } from "prom-client";
import { builtInCatalogue } from "../../../services/marketplace/built-in-catalogue.ts";
import { openRecommendations } from "../../../services/recommendations/recommendations.ts";
import { openRecommendationsStore } from "../../../services/recommendations/store.ts";
import { type AddServices, logsOf } from "./making.ts";

export const addRecommendations: AddServices = async (server, making) => {
  const { databaseUrl, folder, logger, verifyUserToken, stack } = making;
  const store = await openRecommendationsStore(databaseUrl, logger);
  stack.defer(store.close);
  const recommendations = await openRecommendations({
    ...{ store, databaseUrl, modelDir: folder, verifyUserToken, logger, metrics: new Registry() },
    ...{ sources: logsOf(making, "orders", "reviews"), trainingIntervalMs: 5_000, trainingMemoryMib: 64 },
  });
  stack.defer(recommendations.close);
  recommendations.shelves.put(builtInCatalogue().map(({ id = 0, book }) => ({ ...book, id })));
  recommendations.addTo(server);
  recommendations.consumer.start();
};
