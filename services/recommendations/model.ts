/** Which Books are like which, as learned from what readers did. In arrays, which go from thread to thread and into a file as they are. */
export interface Model {
  /** The store that it was learned from. */
  readonly storeId: string;
  /** How far that store was read. */
  readonly revision: number;
  /** The Books that readers like, by number. */
  readonly bookIds: Int32Array<ArrayBuffer>;
  /** How many readers like each of them. */
  readonly readerCounts: Uint32Array<ArrayBuffer>;
  /** Where the Books that are like each of them begin, and where the last ones end. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  /** The numbers of the Books that are like them, most alike first. */
  readonly likeIds: Int32Array<ArrayBuffer>;
  /** How alike, above 0 and up to 1. */
  readonly likeness: Float32Array<ArrayBuffer>;
}

/** What is known before anything is. */
export const EMPTY_MODEL: Model = {
  ...{ storeId: "", revision: 0, bookIds: new Int32Array(), readerCounts: new Uint32Array() },
  ...{ offsets: new Uint32Array(1), likeIds: new Int32Array(), likeness: new Float32Array() },
};

/** What fewer readers have in common tells too much of each of them, and too little of the Books. */
export const FEWEST_READERS = 3;

/** How many readers like a Book: 0 if they are so few that it is nobody's business. */
export function readersOf(model: Model, bookId: number): number {
  const readers = model.readerCounts[placeOf(model, bookId)] ?? 0;
  return readers < FEWEST_READERS ? 0 : readers;
}

/** How many readers a Book has among these, on average. */
export function meanReaders(model: Model, books: Iterable<{ id: number }>): number {
  let [readers, count] = [0, 0];
  for (const { id } of books) {
    readers += readersOf(model, id);
    count++;
  }
  return count === 0 ? 0 : readers / count;
}

/** Calls `visit` for each Book that is like this one, most alike first. */
export function visitLike(model: Model, bookId: number, visit: (bookId: number, likeness: number) => void): void {
  const place = placeOf(model, bookId);
  const end = model.offsets[place + 1] ?? 0;
  for (let i = model.offsets[place] ?? end; i < end; i++) visit(model.likeIds[i] as number, model.likeness[i] as number);
}

const placesOf = new WeakMap<Model, ReadonlyMap<number, number>>();

/** @returns -1 if nobody likes it. */
function placeOf(model: Model, bookId: number): number {
  let places = placesOf.get(model);
  if (places === undefined) {
    places = new Map(model.bookIds.entries().map(([place, id]) => [id, place]));
    placesOf.set(model, places);
  }
  return places.get(bookId) ?? -1;
}
