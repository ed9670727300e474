import { FEWEST_READERS, type Model } from "./model.ts";

/** How many Books like each one are kept. */
const MOST_ALIKE = 50;
/** With so many readers in common, half of the likeness is believed. */
const HALF_BELIEVED = 10;

/** The Books that one reader likes, each by its place. It stands for the reader, too. */
type Liked = readonly number[];

/** The Books that are like one, most alike first. */
type Row = readonly { readonly id: number; readonly likeness: number }[];

/**
 * Learns which Books are alike: item-based collaborative filtering (Sarwar et
 * al., 2001; Linden et al., 2003; Deshpande and Karypis, 2004).
 *
 * The likeness of two Books is the cosine between the sets of readers who like
 * them, shrunk by n / (n + 10) where n is how many like both: by chance alone,
 * Books that few have read look alike. What has changed is taken in by
 * computing the rows that it touches, and no others; what comes out is the same
 * as if all had been learned anew.
 */
export class LikenessLearner {
  /** Books have places, counted from 0, so that what is counted for each stands in an array. */
  readonly #places = new Map<number, number>();
  readonly #ids: number[] = [];
  readonly #likedBy = new Map<string, Liked>();
  /** Who likes each Book, by place. */
  readonly #readers: Set<Liked>[] = [];
  readonly #rows: Row[] = [];
  /** Places of the Books that have other readers than when their rows were computed. */
  readonly #otherReaders = new Set<number>();
  /** Places of Books whose rows are to be computed anew whatever their readers are. */
  readonly #stale = new Set<number>();
  #common = new Uint32Array();

  /** Puts what a reader likes in place of what was known before. */
  setLiked(reader: string, bookIds: readonly number[]): void {
    const before = this.#likedBy.get(reader) ?? [];
    const now = bookIds.map((bookId) => this.#placeOf(bookId));
    const moved = [...new Set(before).symmetricDifference(new Set(now))];
    if (moved.length === 0) return;
    for (const place of before) this.#readers[place]?.delete(before);
    for (const place of now) this.#readers[place]?.add(now);
    if (now.length > 0) this.#likedBy.set(reader, now);
    else this.#likedBy.delete(reader);
    for (const place of moved) this.#otherReaders.add(place);
    // What this reader no longer has in common, no other reader leads to.
    for (const place of before) this.#stale.add(place);
  }

  /** Learns from what has changed. @returns all that has been learned, in arrays of its own. */
  learn(position: { storeId: string; revision: number }): Model {
    this.#refreshRows();
    const places = this.#ids.keys().filter((place) => this.#readersOf(place).size > 0);
    const sorted = [...places].sort((a, b) => this.#idOf(a) - this.#idOf(b));
    const offsets = new Uint32Array(sorted.length + 1);
    for (const [i, place] of sorted.entries()) offsets[i + 1] = (offsets[i] ?? 0) + (this.#rows[place]?.length ?? 0);
    const rows = sorted.flatMap((place) => this.#rows[place] ?? []);
    return {
      ...position,
      bookIds: Int32Array.from(sorted, (place) => this.#idOf(place)),
      readerCounts: Uint32Array.from(sorted, (place) => this.#readersOf(place).size),
      offsets,
      likeIds: Int32Array.from(rows, ({ id }) => id),
      likeness: Float32Array.from(rows, ({ likeness }) => likeness),
    };
  }

  #refreshRows(): void {
    // A Book with other readers is otherwise like each Book that it has readers in common with.
    for (const place of this.#otherReaders) {
      this.#stale.add(place);
      for (const liked of this.#readersOf(place)) for (const other of liked) this.#stale.add(other);
    }
    if (this.#common.length < this.#ids.length) this.#common = new Uint32Array(2 * this.#ids.length);
    for (const place of this.#stale) this.#rows[place] = this.#rowOf(place);
    this.#otherReaders.clear();
    this.#stale.clear();
  }

  #rowOf(place: number): Row {
    const common = this.#common;
    const seen: number[] = [];
    for (const liked of this.#readersOf(place)) {
      for (const other of liked) {
        const count = (common[other] ?? 0) + 1;
        common[other] = count;
        if (count === FEWEST_READERS && other !== place) seen.push(other);
      }
    }
    const readers = this.#readersOf(place).size;
    const row = seen.map((other) => {
      const both = common[other] ?? 0;
      const cosine = both / Math.sqrt(readers * this.#readersOf(other).size);
      return { id: this.#idOf(other), likeness: (cosine * both) / (both + HALF_BELIEVED) };
    });
    for (const liked of this.#readersOf(place)) for (const other of liked) common[other] = 0;
    return row.sort((a, b) => b.likeness - a.likeness || a.id - b.id).slice(0, MOST_ALIKE);
  }

  #readersOf(place: number): Set<Liked> {
    return this.#readers[place] as Set<Liked>;
  }

  #idOf(place: number): number {
    return this.#ids[place] as number;
  }

  #placeOf(bookId: number): number {
    const known = this.#places.get(bookId);
    if (known !== undefined) return known;
    const place = this.#ids.push(bookId) - 1;
    this.#places.set(bookId, place);
    this.#readers[place] = new Set();
    this.#rows[place] = [];
    return place;
  }
}
