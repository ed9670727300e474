import type { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";

/** One purchase, perhaps with a rating. */
export interface Purchase {
  reader: string;
  bookId: number;
  /** The day of the year, from 0 on, with a fraction. */
  day: number;
  /** 1 to 5. 0 if the reader did not rate it. */
  rating: number;
}

export const DAYS = 365;
/** How many tastes there are, and how likely a Book is of a taste that its shelf is known for. */
const TASTES = 12;
const TASTES_A_SHELF = 3;
const TRUE_TO_SHELF = 0.6;
/** How likely two Books of an author are of the same taste. */
const TRUE_TO_AUTHOR = 0.7;
/** Purchases that have nothing to do with the reader's taste: presents, and what everybody reads. */
const WHIMS = 0.2;
/** How many readers change one of their tastes in the middle of the year. */
const CHANGE_TASTE = 0.3;
const RATED = 0.3;
/** How many of the Books come to the shop in the course of the year. */
const NEW_BOOKS = 0.1;
const PURCHASES_A_READER = 10;
const MOST_PURCHASES = 60;

/**
 * Makes up readers with tastes, and what they buy in a year.
 *
 * A taste is not written anywhere in the catalogue: shelves and authors hint at
 * it. How popular a Book is falls off as with Zipf's law. The same seed makes
 * the same readers.
 *
 * @param random from 0 to 1, 1 excluded.
 * @returns in the order of time.
 */
export function inventPurchases(books: readonly Book[], options: { readers: number; random: () => number }): Purchase[] {
  const { random } = options;
  const shop = inventTastes(books, random);
  const purchases: Purchase[] = [];
  for (let i = 0; i < options.readers; i++) purchases.push(...inventReader(`reader-${i}`, shop, random));
  return purchases.sort((a, b) => a.day - b.day);
}

interface Shop {
  /** The Books of each taste, and all of them behind the last one. */
  readonly pools: readonly Pool[];
  /** Since when each Book is there. */
  readonly since: ReadonlyMap<number, number>;
}

/** Books to draw from, each as often as it is popular. */
interface Pool {
  readonly ids: readonly number[];
  readonly sums: readonly number[];
}

function inventTastes(books: readonly Book[], random: () => number): Shop {
  const home = new Map<BookCategory, number[]>();
  const ofAuthor = new Map<string, number>();
  const byTaste: [number, number][][] = Array.from({ length: TASTES + 1 }, () => []);
  const since = new Map<number, number>();
  const any = () => Math.floor(random() * TASTES);
  const ranks = books.map((_, rank) => rank);
  for (let i = ranks.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [ranks[i], ranks[j]] = [ranks[j] as number, ranks[i] as number];
  }
  for (const [i, book] of books.entries()) {
    const shelf = home.get(book.category) ?? Array.from({ length: TASTES_A_SHELF }, any);
    home.set(book.category, shelf);
    const author = book.authors[0] ?? "";
    let taste = random() < TRUE_TO_SHELF ? (shelf[Math.floor(random() * shelf.length)] as number) : any();
    if (random() < TRUE_TO_AUTHOR) taste = ofAuthor.get(author) ?? taste;
    ofAuthor.set(author, taste);
    const popularity = ((ranks[i] as number) + 5) ** -0.8;
    byTaste[taste]?.push([book.id, popularity]);
    byTaste[TASTES]?.push([book.id, popularity]);
    since.set(book.id, random() < NEW_BOOKS ? random() * DAYS : 0);
  }
  return { pools: byTaste.map(poolOf), since };
}

function poolOf(books: readonly [id: number, popularity: number][]): Pool {
  let sum = 0;
  return { ids: books.map(([id]) => id), sums: books.map(([, popularity]) => (sum += popularity)) };
}

function inventReader(reader: string, shop: Shop, random: () => number): Purchase[] {
  const anyTaste = () => Math.floor(random() * TASTES);
  const tastes = Array.from({ length: 1 + Math.floor(random() * 3) }, anyTaste);
  let changesTasteAt = random() < CHANGE_TASTE ? DAYS / 2 : DAYS;
  const count = Math.min(MOST_PURCHASES, 1 + Math.floor(-Math.log(1 - random()) * (PURCHASES_A_READER - 0.5)));
  const joined = random() * DAYS * 0.8;
  const days = Array.from({ length: count }, () => joined + random() * (DAYS - joined)).sort((a, b) => a - b);
  const bought = new Set<number>();
  const purchases: Purchase[] = [];
  for (const day of days) {
    if (day > changesTasteAt) {
      tastes[0] = anyTaste();
      changesTasteAt = DAYS;
    }
    const isWhim = random() < WHIMS;
    const taste = isWhim ? TASTES : (tastes[Math.floor(random() * tastes.length)] as number);
    const bookId = draw(shop.pools[taste] as Pool, random());
    if (bookId === undefined || bought.has(bookId) || (shop.since.get(bookId) ?? 0) > day) continue;
    bought.add(bookId);
    const stars = isWhim ? 1 + Math.floor(random() * 5) : 3 + Math.floor(random() * 3);
    purchases.push({ reader, bookId, day, rating: random() < RATED ? stars : 0 });
  }
  return purchases;
}

function draw({ ids, sums }: Pool, random: number): number | undefined {
  const wanted = random * (sums.at(-1) ?? 0);
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] as number) <= wanted) low = middle + 1;
    else high = middle;
  }
  return ids[low];
}
