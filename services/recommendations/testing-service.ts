import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { type RecommendationsClient, recommendationsClient } from "../../clients/recommendations.ts";
import type { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { OrderCancelled, OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { BookRated, BookRatingRemoved } from "../../gen/bookstore/events/v1/review_events.ts";
import { UserDeleted } from "../../gen/bookstore/events/v1/user_events.ts";
import { type Event, type EventType, SPEC_VERSION } from "../../runtime/events/event.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { type Service, type StoreOptions, startService } from "../../test/support/service.ts";
import { testUsers } from "../../test/support/users.ts";
import type { ModelKeeper } from "./model-keeper.ts";
import { openRecommendations, type Recommendations } from "./recommendations.ts";
import { openRecommendationsStore, type RecommendationsStore } from "./store.ts";

/** What happens in orders, reviews and register. */
export class Happenings {
  readonly #handle: (event: Event) => Promise<void>;
  #position = 0;

  constructor(handle: (event: Event) => Promise<void>) {
    this.#handle = handle;
  }

  /** @returns the event, which can come again. */
  buy(userId: string, bookIds: readonly number[], orderId = `order-${this.#position + 1}`): Promise<Event> {
    const books = bookIds.map((bookId) => ({ bookId, title: `Book ${bookId}`, quantity: 1, unitPrice: undefined }));
    return this.#happen("orders", OrderPlaced, orderId, OrderPlaced.fromPartial({ orderId, userId, books }));
  }

  cancel(userId: string, bookIds: readonly number[], orderId: string): Promise<Event> {
    const books = bookIds.map((bookId) => ({ bookId, title: `Book ${bookId}`, quantity: 1, unitPrice: undefined }));
    return this.#happen("orders", OrderCancelled, orderId, OrderCancelled.fromPartial({ orderId, userId, books }));
  }

  rate(userId: string, bookId: number, rating: number): Promise<Event> {
    const reviewId = `${userId}-${bookId}`;
    return this.#happen("reviews", BookRated, reviewId, { reviewId, bookId, userId, rating });
  }

  removeRating(userId: string, bookId: number): Promise<Event> {
    const reviewId = `${userId}-${bookId}`;
    return this.#happen("reviews", BookRatingRemoved, reviewId, { reviewId, bookId, userId });
  }

  deleteUser(userId: string): Promise<Event> {
    return this.#happen("register", UserDeleted, userId, { userId });
  }

  async #happen<T>(source: string, type: EventType<T>, subject: string, data: T): Promise<Event> {
    const position = ++this.#position;
    const event: Event = {
      ...{ id: randomUUID(), source, specVersion: SPEC_VERSION, type: type.$type, subject: `${source}/${subject}` },
      ...{ time: new Date(1_700_000_000_000 + 1_000 * position), position: BigInt(position), traceParent: "" },
      data: Buffer.from(type.encode(data).finish()),
    };
    await this.#handle(event);
    return event;
  }
}

export interface RecommendationsService extends Service<RecommendationsClient> {
  readonly recommendations: Recommendations;
  readonly store: RecommendationsStore;
  readonly happenings: Happenings;
  readonly databaseUrl: string;
  readonly modelDir: string;
  /** Resolves when what has happened so far is learned. */
  learned(): Promise<void>;
}

/** Serves recommendations with these Books on the shelves. Nothing happens but by `happenings`. */
export async function startRecommendations(
  options: StoreOptions & { books?: readonly Book[]; modelDir?: string } = {},
): Promise<RecommendationsService> {
  await using stack = new AsyncDisposableStack();
  const databaseUrl = options.url ?? stack.use(await testDatabase()).url;
  const modelDir = options.modelDir ?? (await mkdtemp(join(tmpdir(), "bookmesh-test-")));
  if (options.modelDir === undefined) stack.defer(() => rm(modelDir, { recursive: true, force: true }));
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const store = await openRecommendationsStore(databaseUrl, logger);
  stack.defer(store.close);
  const users = options.users ?? testUsers();
  const learning = new Learning();
  const recommendations = await openRecommendations({
    ...{ store, databaseUrl, modelDir, logger, verifyUserToken: users.verify, metrics: new Registry() },
    ...{ sources: [], trainingIntervalMs: 20, trainingMemoryMib: 256, restartMs: 20, onModel: () => learning.look() },
  });
  stack.defer(recommendations.close);
  recommendations.shelves.put(options.books ?? []);
  const service = stack.use(
    await startService({
      ...{ logs, port: options.port ?? 0, users, credentials: options.credentials, client: recommendationsClient },
      ...{ add: recommendations.addTo, checks: recommendations.checks },
    }),
  );
  const happenings = new Happenings((event) => recommendations.consumer.handle(event));
  const owned = stack.move();
  return {
    ...{ ...service, recommendations, store, happenings, databaseUrl, modelDir },
    learned: () => learning.upTo(store, recommendations.keeper),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Waits for models. */
class Learning {
  #looked = Promise.withResolvers<void>();

  look(): void {
    this.#looked.resolve();
    this.#looked = Promise.withResolvers();
  }

  async upTo(store: RecommendationsStore, keeper: ModelKeeper): Promise<void> {
    const { revision } = await store.interactions.state();
    while (keeper.model.revision < revision) await this.#looked.promise;
  }
}
