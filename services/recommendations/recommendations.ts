import type { Registry } from "prom-client";
import type { BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { EventConsumerServiceDefinition } from "../../gen/bookstore/events/v1/event_consumer_service.ts";
import { RecommendationsServiceDefinition } from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { RecommendationsDefinition } from "../../gen/recommendations.ts";
import type { MeshServer } from "../../interceptors/server/chain.ts";
import type { VerifyUserToken } from "../../runtime/end-user.ts";
import { EventConsumer, type EventConsumerOptions } from "../../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../../runtime/events/event-consumer-handler.ts";
import type { EventSource } from "../../runtime/events/event-source.ts";
import type { HealthCheck } from "../../runtime/health.ts";
import type { Logger } from "../../runtime/logger.ts";
import { Wakeups } from "../../runtime/wakeups.ts";
import { subscriptions } from "./event-handlers.ts";
import { recommendationsHandler, tutorialHandler } from "./handler.ts";
import { ModelKeeper, type ModelKeeperOptions } from "./model-keeper.ts";
import { Shelves } from "./shelf.ts";
import type { RecommendationsStore, Schema } from "./store.ts";

export interface RecommendationsOptions
  extends Pick<EventConsumerOptions<Schema>, "amqpUrl" | "eventRetentionDays">,
    Pick<ModelKeeperOptions, "databaseUrl" | "modelDir" | "restartMs" | "onModel"> {
  /** Stays the caller's, to close after close(). */
  store: RecommendationsStore;
  /** The logs of register, orders and reviews. */
  sources: readonly EventSource[];
  verifyUserToken: VerifyUserToken;
  /** How often to look for what is to be learned. */
  trainingIntervalMs: number;
  /** How much memory that may take, in MiB. */
  trainingMemoryMib: number;
  logger: Logger;
  metrics: Registry;
  /** The default is one of its own. */
  wakeups?: Wakeups<BookCategory>;
}

/** Recommendations, put together. */
export interface Recommendations {
  /** Adds all services. */
  addTo(server: MeshServer): void;
  /** The health of each. */
  readonly checks: Readonly<Record<string, HealthCheck>>;
  readonly shelves: Shelves;
  readonly wakeups: Wakeups<BookCategory>;
  readonly consumer: EventConsumer<Schema>;
  readonly keeper: ModelKeeper;
  /** Stops to handle events and to learn. */
  close(): Promise<void>;
}

/** Opens recommendations with what is stored on the shelves, and begins to learn. Events come when `consumer` is started. */
export async function openRecommendations(options: RecommendationsOptions): Promise<Recommendations> {
  const { store, wakeups = new Wakeups<BookCategory>() } = options;
  const shelves = new Shelves();
  shelves.put(await store.books());
  const { interactions } = store;
  const { trainingIntervalMs: intervalMs, trainingMemoryMib: memoryMib } = options;
  const keeper = await ModelKeeper.open({ ...options, store: interactions, intervalMs, memoryMib });
  const consumer = new EventConsumer({ ...options, name: "recommendations", db: store.db, subscriptions });
  const readers = {
    model: () => keeper.model,
    interactionsOf: (userId: string) => interactions.of(userId),
    verifyUserToken: options.verifyUserToken,
  };
  return {
    addTo(server) {
      server.add(RecommendationsServiceDefinition, recommendationsHandler({ shelves, wakeups, readers }));
      server.add(RecommendationsDefinition, tutorialHandler(Math.random));
      server.add(EventConsumerServiceDefinition, eventConsumerHandler(consumer));
    },
    checks: {
      async [RecommendationsServiceDefinition.fullName]() {
        await store.check();
        if (shelves.empty) throw new Error("the catalogue has not come from the marketplace yet");
      },
      [RecommendationsDefinition.fullName]: async () => {},
      [EventConsumerServiceDefinition.fullName]: store.check,
    },
    ...{ shelves, wakeups, consumer, keeper },
    async close() {
      await consumer.close();
      await keeper.close();
    },
  };
}
