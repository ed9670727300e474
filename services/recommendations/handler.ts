import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import type {
  Recommendation,
  RecommendationsServiceImplementation,
} from "../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import type { RecommendationsServiceImplementation as TutorialServiceImplementation } from "../../gen/recommendations.ts";
import { Failure } from "../../runtime/errors.ts";
import type { Wakeups } from "../../runtime/wakeups.ts";
import { mostAppealing, recommend, type Shelves, topOfShelf } from "./shelf.ts";
import { sampleShelf } from "./tutorial-shelf.ts";

const DEFAULT_MAX_RESULTS = 10;

/** Implements bookstore.recommendations.v1.RecommendationsService. */
export function recommendationsHandler(deps: {
  shelves: Shelves;
  wakeups: Wakeups<BookCategory>;
}): RecommendationsServiceImplementation {
  const { shelves, wakeups } = deps;
  return {
    async recommend({ userId, category, maxResults }) {
      const books = recommend(shelves, { userId, category, max: maxResults || DEFAULT_MAX_RESULTS });
      return { recommendations: books.map(recommendationOf) };
    },

    async *watchRecommendations({ userId, category, maxResults }, { signal }) {
      const options = { userId, category, max: maxResults || DEFAULT_MAX_RESULTS };
      yield* wakeups.follow(category, signal, async function* () {
        yield { recommendations: topOfShelf(shelves, options).map(recommendationOf) };
      });
    },

    async recommendForReader({ userId, maxResults }) {
      const books = mostAppealing(shelves.all(), { userId, max: maxResults || DEFAULT_MAX_RESULTS });
      return { recommendations: books.map(recommendationOf) };
    },

    async similarBooks({ bookId, maxResults }) {
      const book = shelves.book(bookId);
      if (book === undefined) throw new Failure("not-found", "no such book", { reason: "BOOK_NOT_FOUND" });
      const others = [...shelves.of(book.category)].filter(({ id }) => id !== bookId);
      return {
        recommendations: mostAppealing(others, { userId: "", max: maxResults || DEFAULT_MAX_RESULTS }).map(recommendationOf),
      };
    },
  };
}

/** Implements the tutorial's Recommendations. */
export function tutorialHandler(random: () => number): TutorialServiceImplementation {
  return {
    async recommend({ category, maxResults }) {
      return { recommendations: sampleShelf(category, maxResults, random) };
    },
  };
}

function recommendationOf(book: Book): Recommendation {
  return { book, reason: undefined };
}
