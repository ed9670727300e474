// A service whose calls wait: for the signal that ends the process, or for ever with FINISH=never.
// It tells its parent process its port, and how many calls wait.
import { once } from "node:events";
import { z } from "zod";
import { RecommendationsServiceDefinition } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { meshServer } from "../../interceptors/server/chain.ts";
import { readConfig, serviceSettings } from "../../runtime/config.ts";
import { Failure } from "../../runtime/errors.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { runUntilSignal } from "../../runtime/run.ts";
import { plaintext } from "./plaintext.ts";

const schema = z.object({
  ...serviceSettings("slow", { port: 0, adminPort: 0 }),
  FINISH: z.enum(["on signal", "never"]).default("on signal"),
});
const config = readConfig(schema, process.env);
const logger = createLogger({ name: "slow", level: config.logLevel });
const metrics = createMetrics("slow");
const health = new Health({ [RecommendationsServiceDefinition.fullName]: async () => {} }, { logger });

let waiting = 0;
/** Nobody signs in here. */
const refuse = () => Promise.reject(new Failure("unauthenticated", "nobody is signed in"));
const arrived = () => process.send?.({ waiting: ++waiting });

const server = meshServer({ logger, metrics, health, credentials: plaintext(), verifyUserToken: refuse, ...config });
server.add(RecommendationsServiceDefinition, {
  async recommend() {
    arrived();
    await (config.finish === "never" ? new Promise(() => {}) : once(process, "SIGTERM"));
    return { recommendations: [] };
  },
  async *watchRecommendations(_request, { signal }) {
    yield { recommendations: [] };
    arrived();
    await once(signal, "abort");
  },
  recommendForReader: async () => ({ recommendations: [] }),
  similarBooks: async () => ({ recommendations: [] }),
});
process.setMaxListeners(0);

await runUntilSignal({
  server: { ...server, listen: async (address) => tell(await server.listen(address)) },
  ...config,
  health,
  metrics,
  logger,
  closers: [{ name: "last", close: () => logger.info("closed") }],
});

function tell(port: number): number {
  process.send?.({ port });
  return port;
}
