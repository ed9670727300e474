import { RecommendationsDefinition } from "../../gen/recommendations.ts";
import { clientFactory } from "../../interceptors/client/chain.ts";
import { startService } from "../../test/support/service.ts";
import { tutorialHandler } from "./handler.ts";

/** Serves the tutorial's contract; no call is answered before `count` are in flight. */
function startTogether(count: number) {
  const { recommend } = tutorialHandler(Math.random);
  const allThere = Promise.withResolvers<void>();
  let inFlight = 0;
  return startService({
    add: (server) =>
      server.add(RecommendationsDefinition, {
        async recommend(request, context) {
          if (++inFlight === count) allThere.resolve();
          await allThere.promise;
          return recommend(request, context);
        },
      }),
    client: (channel, logger) => clientFactory({ logger }).create(RecommendationsDefinition, channel),
  });
}

test.each([5, 10, 100])("works on %d calls at once over one channel: each waits for all the others", async (count) => {
  await using service = await startTogether(count);

  const calls = Array.from({ length: count }, () => service.client.recommend({ maxResults: 1 }));

  for (const { recommendations } of await Promise.all(calls)) expect(recommendations).toHaveLength(1);
  const peers = service.logs.with({ msg: "call finished", status: "OK" }).map(({ peer }) => peer);
  expect(peers).toHaveLength(count);
  expect(new Set(peers).size).toBe(1);
});
