import { RecommendationsServiceDefinition } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { meshServer } from "../../interceptors/server/chain.ts";
import { Failure } from "../../runtime/errors.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { start } from "../../runtime/run.ts";
import { plaintext } from "../../test/support/plaintext.ts";
import { ANSWER } from "./call.ts";
import { reportToParent } from "./server-process.ts";

// A service as services/recommendations/main.ts makes it, with a handler that does nothing.

const logger = createLogger({ name: "recommendations", level: "info" });
const metrics = createMetrics("recommendations");
const health = new Health({ [RecommendationsServiceDefinition.fullName]: async () => {} }, { logger });

const server = meshServer({
  ...{ logger, metrics, health, credentials: plaintext(), maxCallsInFlight: 1_000, maxOpenStreams: 12_000 },
  verifyUserToken: () => Promise.reject(new Failure("unauthenticated", "nobody is signed in")),
});
server.add(RecommendationsServiceDefinition, {
  recommend: async () => ANSWER,
  async *watchRecommendations() {
    yield ANSWER;
  },
  recommendForReader: async () => ANSWER,
  similarBooks: async () => ANSWER,
});

const running = await start({
  server,
  host: "127.0.0.1",
  port: 0,
  adminPort: 0,
  health,
  metrics,
  logger,
  shutdownGraceMs: 0,
  closers: [],
});
reportToParent(running.port);
