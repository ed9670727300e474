import { meshServer } from "../../interceptors/server/chain.ts";
import { readConfig } from "../../runtime/config.ts";
import { readCredentials } from "../../runtime/credentials.ts";
import { startEventLog } from "../../runtime/events/start-event-log.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { joinMesh } from "../../runtime/mesh.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { runUntilSignal } from "../../runtime/run.ts";
import { configSchema } from "./config.ts";
import { httpServer } from "./http/server.ts";
import { openRegister } from "./register.ts";
import { openRegisterStore } from "./store.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "register", level: config.logLevel });
const metrics = createMetrics("register");
const credentials = await readCredentials("register", { folder: config.credentialsDir, logger, metrics });
const mesh = await joinMesh({ service: "register", ...config, credentials, logger });
const store = await openRegisterStore(config.databaseUrl, logger);
const register = await openRegister({ ...config, store, logger, metrics });
const { verifyUserToken } = register;
const health = new Health(register.checks, { logger });

const server = meshServer({ logger, metrics, health, credentials, verifyUserToken, ...config });
register.addTo(server);

const eventLog = startEventLog(store.log, { ...config, logger, metrics });
const web = await httpServer({ ...register, logger });

await runUntilSignal({
  server,
  mesh,
  ...config,
  health,
  metrics,
  logger,
  pages: {
    listen: async () => void (await web.listen({ host: config.host, port: config.httpPort })),
    drain: () => web.close(),
    cut: () => web.server.closeAllConnections(),
  },
  closers: [
    { name: "event log", close: eventLog.close },
    { name: "register", close: register.close },
    { name: "store", close: store.close },
  ],
});
