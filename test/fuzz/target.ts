// All servers of the repository in one process, which tells its parent how it is.
import { Registry as Metrics } from "prom-client";
import { meshServer } from "../../interceptors/server/chain.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../support/database.ts";
import { testFolder } from "../support/documents.ts";
import { plaintext } from "../support/plaintext.ts";
import { testUsers } from "../support/users.ts";
import { watchedLog } from "./target-log.ts";
import type { TargetMessage } from "./target-process.ts";
import { FOREIGN, SERVERS } from "./target-services.ts";
import { USER_ID } from "./values.ts";

/** As in runtime/config.ts, but for the streams: of 12,000 the streams alone take more than callers may add. */
const LIMITS = { maxCallsInFlight: 1_000, maxOpenStreams: 1_000 };
/** A million lines that say the same say no more than the first ones. */
const MOST_TROUBLES = 50;

let troubles = 0;
const tell = (message: TargetMessage) => void process.send?.(message);
const trouble = (what: string) => {
  if (troubles++ < MOST_TROUBLES) tell({ type: "trouble", what: what.slice(0, 2_000) });
};
process.on("unhandledRejection", (error) => trouble(`unhandled rejection: ${error instanceof Error ? error.stack : error}`));
process.on("uncaughtException", (error) => trouble(`uncaught exception: ${error.stack}`));
process.on("warning", (warning) => trouble(`warning: ${warning.stack}`));

const users = testUsers();
const tokens = { administrator: users.tokenOf(USER_ID, { administrator: true }), user: users.tokenOf(USER_ID) };
const log = watchedLog({ secrets: () => Object.values(tokens), trouble });

await using stack = new AsyncDisposableStack();
const places = [];
const logs = new Map();
for (const [name, addServices] of Object.entries(SERVERS)) {
  const logger = createLogger({ name, level: "debug", destination: log });
  const { url: databaseUrl } = stack.use(await testDatabase());
  const { path: folder } = stack.use(await testFolder());
  const health = new Health({}, { logger });
  const metrics = new Metrics();
  const server = meshServer({ logger, metrics, health, credentials: plaintext(), verifyUserToken: users.verify, ...LIMITS });
  await addServices(server, { databaseUrl, folder, logger, verifyUserToken: users.verify, logs, stack });
  const port = await server.listen("127.0.0.1:0");
  await health.start();
  places.push({ name, port, services: [...server.services, ...(FOREIGN[name] ?? [])] });
}

process.on("message", () => {
  // What V8 keeps for later is taken from it too.
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" } as never);
  const { rss, heapUsed, external } = process.memoryUsage();
  tell({ type: "vitals", vitals: { rss, heapUsed, external } });
});
tell({ type: "ready", places, tokens });
await new Promise((resolve) => process.once("SIGTERM", resolve).once("disconnect", resolve));
await stack.disposeAsync();
process.exit(0);
