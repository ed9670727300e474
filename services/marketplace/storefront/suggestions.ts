import { ClientError } from "nice-grpc-common";
import type { RecommendationsClient } from "../../../clients/recommendations.ts";
import { type Book, BookCategory } from "../../../gen/bookstore/catalog/v1/book.ts";
import type { BookStore } from "../book.ts";
import type { Visitor } from "./visitor.ts";

const HOW_MANY = 3;
/** A page without suggestions now is better than one with them later. */
const PATIENCE_MS = 1_000;
/** Whom the tutorial's storefront asks for: here, everybody who is not signed in. */
const GUEST_ID = "1";

export interface Suggestion {
  mysteries: readonly Book[];
  suggested: boolean;
}

/** Three mysteries: those that recommendations suggests or, when it does not answer, the first of the shelf. */
export async function suggestMysteries(
  deps: { store: BookStore; recommendations: Pick<RecommendationsClient, "recommend"> },
  visitor: Visitor,
): Promise<Suggestion> {
  const category = BookCategory.BOOK_CATEGORY_MYSTERY;
  try {
    const userId = visitor.kind === "signed in" ? visitor.userId : GUEST_ID;
    const request = { userId, category, maxResults: HOW_MANY };
    const { recommendations } = await deps.recommendations.recommend(request, { deadlineMs: PATIENCE_MS });
    return { mysteries: recommendations.flatMap(({ book }) => book ?? []), suggested: true };
  } catch (error) {
    // The client has logged it.
    if (!(error instanceof ClientError)) throw error;
    const { books } = await deps.store.list({ category, afterId: undefined, limit: HOW_MANY });
    return { mysteries: books, suggested: false };
  }
}
