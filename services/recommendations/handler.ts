import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import type {
  Recommendation,
  RecommendationsServiceImplementation,
  RecommendRequest,
} from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import type { RecommendationsServiceImplementation as TutorialServiceImplementation } from "../../gen/recommendations.ts";
import { currentCall } from "../../runtime/call-context.ts";
import type { VerifyUserToken } from "../../runtime/end-user.ts";
import { Failure } from "../../runtime/errors.ts";
import type { Wakeups } from "../../runtime/wakeups.ts";
import { type History, historyOf, type Interaction } from "./interaction.ts";
import { EMPTY_MODEL, type Model, readersOf } from "./model.ts";
import { type Ranked, rankedForAll, rankFor } from "./ranking.ts";
import { mostAppealing, mostAppealingOfEach, type Shelves } from "./shelf.ts";
import { similarTo } from "./similar.ts";
import { sampleShelf } from "./tutorial-shelf.ts";

const DEFAULT_MAX_RESULTS = 10;

export interface RecommendationsDeps {
  shelves: Shelves;
  wakeups: Wakeups<BookCategory>;
  /** What is known of readers. Of nobody anything, if it is not given. */
  readers?: KnownReaders | undefined;
}

/** What recommendations go by, besides the catalogue. */
export interface KnownReaders {
  /** The newest there is. */
  model(): Model;
  /** What one reader has done. */
  interactionsOf(userId: string): Promise<Iterable<Interaction>>;
  /** Whose the access token is that came with a call which can do without. */
  verifyUserToken: VerifyUserToken;
}

const NOBODY: KnownReaders = {
  model: () => EMPTY_MODEL,
  interactionsOf: async () => [],
  verifyUserToken: () => Promise.reject(new Failure("unauthenticated", "nobody is known")),
};

/** Implements bookstore.recommendations.v1.RecommendationsService. */
export function recommendationsHandler(deps: RecommendationsDeps): RecommendationsServiceImplementation {
  const { shelves, wakeups, readers = NOBODY } = deps;

  const historyOfReader = async (userId: string) => historyOf(await readers.interactionsOf(userId));
  /** What is known of the reader, if it is the reader who asks. */
  const ownHistory = async (userId: string) =>
    (await isOwnCall(userId, readers.verifyUserToken)) ? historyOfReader(userId) : new Map<number, Interaction>();
  const optionsOf = (userId: string, maxResults: number) => {
    const model = readers.model();
    return { shelves, model, userId, max: maxResults || DEFAULT_MAX_RESULTS, readersOf: (id: number) => readersOf(model, id) };
  };
  const shelfFor = (history: History, { userId, category, maxResults }: RecommendRequest) => {
    const options = optionsOf(userId, maxResults);
    if (history.size > 0) return rankFor(history, shelves.of(category), options);
    return rankedForAll(mostAppealing(shelves.of(category), options), shelves.of(category), options.model);
  };

  return {
    async recommend(request) {
      if (shelves.of(request.category)[Symbol.iterator]().next().done) {
        throw new Failure("not-found", "no books in this category", { reason: "SHELF_EMPTY" });
      }
      const history = await ownHistory(request.userId);
      return { recommendations: shelfFor(history, request).map(recommendationOf) };
    },

    async *watchRecommendations(request, { signal }) {
      // Who has opened the stream may read it to its end, as all streams of users.
      const isOwn = await isOwnCall(request.userId, readers.verifyUserToken);
      yield* wakeups.follow(request.category, signal, async function* () {
        const history: History = isOwn ? await historyOfReader(request.userId) : new Map();
        yield { recommendations: shelfFor(history, request).map(recommendationOf) };
      });
    },

    async recommendForReader({ userId, maxResults }) {
      const history = await historyOfReader(userId);
      const options = optionsOf(userId, maxResults);
      const forAll = (books: readonly Book[]) => rankedForAll(books, shelves.all(), options.model).map(recommendationOf);
      if (history.size === 0) return { recommendations: forAll(mostAppealingOfEach(shelves, options)) };
      const ranked = rankFor(history, shelves.all(), options);
      // An administrator may look, but not at what somebody has bought.
      if (currentCall()?.user?.id !== userId) return { recommendations: forAll(ranked.map(({ book }) => book)) };
      return { recommendations: ranked.map(recommendationOf) };
    },

    async similarBooks({ bookId, maxResults, userId }) {
      const history = await ownHistory(userId);
      const similar = similarTo(bookId, { shelves, model: readers.model(), history, max: maxResults || DEFAULT_MAX_RESULTS });
      return { recommendations: similar.map(recommendationOf) };
    },
  };
}

/** Whether the reader's own access token came with a call that needs none. Whose is expired or cannot be verified is a guest. */
async function isOwnCall(userId: string, verify: VerifyUserToken): Promise<boolean> {
  const token = currentCall()?.userToken;
  if (token === undefined || userId === "") return false;
  try {
    return (await verify(token)).id === userId;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

/** Implements the tutorial's Recommendations. */
export function tutorialHandler(random: () => number): TutorialServiceImplementation {
  return {
    async recommend({ category, maxResults }) {
      return { recommendations: sampleShelf(category, maxResults, random) };
    },
  };
}

function recommendationOf({ book, why }: Ranked): Recommendation {
  return { book, reason: why === undefined ? undefined : { why } };
}
