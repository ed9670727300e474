/** What a reader has done with one Book. */
export interface Interaction {
  bookId: number;
  /** Whether the reader has bought it, in an Order that was not cancelled. */
  bought: boolean;
  /** The reader's rating, 1 to 5. 0 if there is none. */
  rating: number;
}

/** What one reader has done, by the number of the Book. */
export type History = ReadonlyMap<number, Interaction>;

/** From here on a reader likes a Book. */
const LIKED = 1;
/** Who has bought so many tells nothing of tastes, and costs the square of it: a library, say. */
const MOST_LIKED = 300;
/** By the number of stars. Whoever finds a Book bad, or so-so, does not want more of it. */
const LIKING_OF_RATING = [0, 0, 0, 0.5, 1, 1.5];

/** How much a reader likes a Book: 1 for one that was bought, more or less if it was rated. */
export function likingOf({ bought, rating }: Interaction): number {
  return LIKING_OF_RATING[rating] || (bought && rating === 0 ? 1 : 0);
}

/** Puts together what is known of one reader; a Book may come once as bought and once as rated. */
export function historyOf(interactions: Iterable<Interaction>): History {
  const history = new Map<number, Interaction>();
  for (const { bookId, bought, rating } of interactions) {
    const known = history.get(bookId);
    history.set(bookId, { bookId, bought: bought || known?.bought === true, rating: rating || (known?.rating ?? 0) });
  }
  return history;
}

/** The Books that a reader likes, as far as others can learn from it. */
export function likedIn(history: History): number[] {
  const liked = [...history.values()].filter((interaction) => likingOf(interaction) >= LIKED).map(({ bookId }) => bookId);
  return liked.length > MOST_LIKED ? [] : liked;
}
