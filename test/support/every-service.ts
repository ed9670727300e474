import { Registry as Metrics } from "prom-client";
import { registerClient } from "../../clients/register.ts";
import { createLogger } from "../../runtime/logger.ts";
import { aBook } from "../../services/recommendations/testing.ts";
import { startRecommendations } from "../../services/recommendations/testing-service.ts";
import { openRegister } from "../../services/register/register.ts";
import { openRegisterStore } from "../../services/register/store.ts";
import { adsContract } from "../../services/registry/xds/contract.ts";
import { testDatabase } from "./database.ts";
import { startDocuments } from "./documents.ts";
import { LogLines } from "./log-lines.ts";
import { startMeshRegistry } from "./mesh-registry.ts";
import { startOrders } from "./orders.ts";
import { startReviews } from "./reviews.ts";
import { type ServiceOptions, startMarketplace, startPush, startService } from "./service.ts";
import type { TestAuthority } from "./test-authority.ts";
import { type TestUsers, testUsers } from "./users.ts";

/** One service of the mesh, as the others see it. */
export interface RunningService {
  readonly name: string;
  /** "host:port" */
  readonly address: string;
  /** What it serves: "package.Service" of each. */
  readonly serves: readonly string[];
  readonly metrics: Metrics;
  readonly logs: LogLines;
}

/** What every server serves besides. */
export const SERVED_BY_ALL = [
  "grpc.health.v1.Health",
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
];

export interface EveryService extends AsyncDisposable {
  readonly services: readonly RunningService[];
  /** Whose tokens they take. */
  readonly users: TestUsers;
  /** Makes a user who has an account and a notification. @returns the id. */
  newUser(): Promise<string>;
}

/**
 * All services of the mesh in this process, each a real server behind the real
 * chain, which proves its name by a certificate and asks callers for theirs.
 *
 * @returns to be bound with `await using`, which ends them.
 */
export async function startEveryService(authority: TestAuthority): Promise<EveryService> {
  await using stack = new AsyncDisposableStack();
  const users = testUsers();
  const as = async (name: string) => ({ users, credentials: await authority.credentials(name) });
  const register = stack.use(await startAccounts(await as("register")));
  const marketplace = stack.use(await startMarketplace(await as("marketplace")));
  const push = stack.use(await startPush(await as("push")));
  const recommendations = stack.use(await startRecommendations({ ...(await as("recommendations")), books: [aBook(1)] }));
  const orders = stack.use(await startOrders(await as("orders")));
  const reviews = stack.use(await startReviews(await as("reviews")));
  const documents = stack.use(await startDocuments(await as("documents")));
  const registry = stack.use(await startMeshRegistry(authority));
  const started = { register, marketplace, push, recommendations, orders, reviews, documents, registry };
  const owned = stack.move();
  let made = 0;
  return {
    users,
    services: Object.entries(started).map(([name, { address, server, metrics, logs }]) => ({
      ...{ name, address, metrics, logs },
      serves: [...server.services, ...(name === "registry" ? [adsContract.service] : []), ...SERVED_BY_ALL],
    })),
    async newUser() {
      const id = String(7_000_000 + made++);
      const profile = { id, email: `user-${id}@example.com`, name: "User", language: "en", country: "" };
      await register.store.add({ ...profile, createdAt: new Date() }, undefined);
      await push.store.append(id, { content: "hello", language: "en" }, new Date());
      return id;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Shared = Pick<ServiceOptions<unknown>, "users" | "credentials">;

/** Serves register with its sessions. */
async function startAccounts(options: Shared) {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await testDatabase());
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const store = await openRegisterStore(url, logger);
  stack.defer(store.close);
  const limits = { signingKeyDays: 30, passwordsAtOnce: 1, passwordsWaiting: 100 };
  const register = await openRegister({ ...limits, store, logger, metrics: new Metrics() });
  stack.defer(register.close);
  const { addTo: add, checks } = register;
  const service = stack.use(await startService({ ...options, logs, add, checks, client: registerClient }));
  const owned = stack.move();
  return { ...service, store, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
