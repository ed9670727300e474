import { randomInt } from "node:crypto";
import { Registry } from "prom-client";
import { EchoServiceDefinition, HurriedEchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import {
  AdministratorEchoServiceDefinition,
  GuardedEchoServiceDefinition,
  UserEchoServiceDefinition,
} from "../../gen/bookmesh/testing/v1/guarded_echo_service.ts";
import { MarketplaceServiceDefinition } from "../../gen/bookstore/marketplace/v1/marketplace_service.ts";
import { PushServiceDefinition } from "../../gen/bookstore/push/v1/push_service.ts";
import { RecommendationsServiceDefinition } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { RecommendationsDefinition } from "../../gen/recommendations.ts";
import type { MeshServer } from "../../interceptors/server/chain.ts";
import type { Logger } from "../../runtime/logger.ts";
import { Wakeups } from "../../runtime/wakeups.ts";
import { builtInCatalogue, stockShelves } from "../../services/marketplace/built-in-catalogue.ts";
import { marketplaceHandler } from "../../services/marketplace/handler.ts";
import { openMarketplaceStore } from "../../services/marketplace/store.ts";
import { pushHandler } from "../../services/push/handler.ts";
import { openPushStore } from "../../services/push/store.ts";
import { recommendationsHandler, tutorialHandler } from "../../services/recommendations/handler.ts";
import { Shelves } from "../../services/recommendations/shelf.ts";
import { openRegister } from "../../services/register/register.ts";
import { openRegisterStore } from "../../services/register/store.ts";
import { createRegistry } from "../../services/registry/registry.ts";
import { openRegistryStore } from "../../services/registry/store.ts";
import { adsContract } from "../../services/registry/xds/contract.ts";
import { XdsServer } from "../../services/registry/xds/xds-server.ts";
import { echo } from "../support/dummy-client.ts";
import { plaintext } from "../support/plaintext.ts";
import { FAILURES } from "./failures.ts";

/** What a server of the target is made of. */
export interface Making {
  /** Of an empty store. */
  databaseUrl: string;
  logger: Logger;
}

/** Puts services on a server. */
export type AddServices = (server: MeshServer, making: Making) => Promise<void> | void;

/** By the name of the server. */
export const SERVERS: Readonly<Record<string, AddServices>> = {
  echo(server, { logger }) {
    // Without a prototype: "__proto__" is a text like any other.
    const specialCases: Record<string, () => never> = Object.create(null);
    for (const [text, { error }] of Object.entries(FAILURES)) specialCases[text] = () => raise(error);
    const implementation = echo({ specialCases, logger });
    server.add(EchoServiceDefinition, implementation);
    server.add(HurriedEchoServiceDefinition, implementation);
    server.add(GuardedEchoServiceDefinition, implementation);
    server.add(UserEchoServiceDefinition, implementation);
    server.add(AdministratorEchoServiceDefinition, implementation);
  },

  async register(server, { databaseUrl, logger }) {
    const store = await openRegisterStore(databaseUrl, logger);
    const register = await openRegister({
      ...{ store, logger, metrics: new Registry(), signingKeyDays: 30, passwordsAtOnce: 2, passwordsWaiting: 100 },
      // What hashing costs is another matter.
      passwords: { hash: async () => "hashed", verify: async () => true, isOutdated: () => false },
      // Few ids, so that requests are about users who are there.
      randomInt: (min) => min + randomInt(0, 8),
    });
    register.addTo(server);
  },

  async push(server, { databaseUrl, logger }) {
    const store = await openPushStore(databaseUrl, logger);
    const wakeups = new Wakeups<string>();
    const wake = (userId: string) => wakeups.wake(userId);
    const findReader = async () => ({ language: "en", country: "AT" });
    server.add(PushServiceDefinition, pushHandler({ store, wakeups, findReader, wake, now: () => new Date(), logger }));
  },

  async marketplace(server, { databaseUrl, logger }) {
    const store = await openMarketplaceStore(databaseUrl, logger);
    await stockShelves(store);
    server.add(MarketplaceServiceDefinition, marketplaceHandler({ store, wakeups: new Wakeups() }));
  },

  recommendations(server) {
    const shelves = new Shelves();
    shelves.put(builtInCatalogue().map(({ id = 0, book }) => ({ ...book, id })));
    server.add(RecommendationsServiceDefinition, recommendationsHandler({ shelves, wakeups: new Wakeups() }));
    server.add(RecommendationsDefinition, tutorialHandler(Math.random));
  },

  async registry(server, { databaseUrl, logger }) {
    const store = await openRegistryStore(databaseUrl, logger);
    const xds = new XdsServer({ logger });
    const registry = await createRegistry({
      ...{ id: "registry", description: "a target", store, dataPlane: xds, credentials: plaintext(), logger },
      ...{ leaseMs: 10_000, probeIntervalMs: 10_000, pollIntervalMs: 250 },
      // Instances say where they are: nobody is to be called there.
      asker: { ask: async () => ({ healthy: true, problem: "" }) as never, release() {}, close() {} },
    });
    registry.add(server);
    xds.addTo(server);
  },
};

/** What the servers serve besides, by contracts of others. */
export const FOREIGN: Readonly<Record<string, readonly string[]>> = { registry: [adsContract.service] };

function raise(error: unknown): never {
  throw error;
}
