import type { RecommendationsClient } from "../../../clients/recommendations.ts";
import type { Recommendation } from "../../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { optional, PATIENCE_MS } from "./optional.ts";
import type { Visitor } from "./visitor.ts";

/** Of which a page may leave out those that it shows already. */
const PICKS = 9;
const SIMILAR = 6;

export interface RecommendedDeps {
  recommendations: Pick<RecommendationsClient, "recommendForReader" | "similarBooks">;
}

/** What is picked for a user. @returns undefined for others, and while recommendations is away. */
export async function picksFor(
  { recommendations }: RecommendedDeps,
  visitor: Visitor,
): Promise<readonly Recommendation[] | undefined> {
  if (visitor.kind !== "signed in") return undefined;
  const request = { userId: visitor.userId, maxResults: PICKS };
  return (await optional(recommendations.recommendForReader(request, { deadlineMs: PATIENCE_MS })))?.recommendations;
}

/** What goes with a book, without what a user has already. @returns undefined while recommendations is away. */
export async function similarBooks(
  { recommendations }: RecommendedDeps,
  visitor: Visitor,
  bookId: number,
): Promise<readonly Recommendation[] | undefined> {
  const userId = visitor.kind === "signed in" ? visitor.userId : "";
  const request = { bookId, maxResults: SIMILAR, userId };
  return (await optional(recommendations.similarBooks(request, { deadlineMs: PATIENCE_MS })))?.recommendations;
}
