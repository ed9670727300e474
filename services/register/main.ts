import { randomInt } from "node:crypto";
import { RegisterServiceDefinition } from "../../gen/bookstore/register/v1/register_service.ts";
import { meshServer } from "../../interceptors/server/chain.ts";
import { readConfig } from "../../runtime/config.ts";
import { Health } from "../../runtime/health.ts";
import { createLogger } from "../../runtime/logger.ts";
import { joinMesh } from "../../runtime/mesh.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { runUntilSignal } from "../../runtime/run.ts";
import { configSchema } from "./config.ts";
import { registerHandler } from "./handler.ts";
import { hashPassword } from "./password.ts";
import { openRegisterStore } from "./store.ts";

const config = readConfig(configSchema, process.env);
const logger = createLogger({ name: "register", level: config.logLevel });
const metrics = createMetrics("register");
const mesh = await joinMesh({ service: "register", ...config, logger });
const store = await openRegisterStore(config.databaseUrl, logger);
const health = new Health({ [RegisterServiceDefinition.fullName]: store.check }, { logger });

const server = meshServer({ logger, metrics, health, ...config });
server.add(RegisterServiceDefinition, registerHandler({ store, hashPassword, randomInt, now: () => new Date() }));

await runUntilSignal({ server, mesh, ...config, health, metrics, logger, closers: [{ name: "store", close: store.close }] });
