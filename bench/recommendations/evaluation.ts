import type { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { type History, historyOf, likedIn } from "../../services/recommendations/interaction.ts";
import { LikenessLearner } from "../../services/recommendations/likeness.ts";
import { type Model, readersOf } from "../../services/recommendations/model.ts";
import { rankFor } from "../../services/recommendations/ranking.ts";
import { Shelves } from "../../services/recommendations/shelf.ts";
import { DAYS, type Purchase } from "./readers.ts";

/** How long the lists are. */
const SHOWN = 10;
/** What was bought from this day on is to be foreseen from what was bought before. */
const CUT_DAY = DAYS * 0.8;

/** How well one way to recommend foresees what readers buy. */
export interface Findings {
  name: string;
  /** The share of the shown Books that the reader went on to buy. */
  precision: number;
  /** The share of the Books that the reader went on to buy that was shown. */
  recall: number;
  /** The share of the catalogue that was shown to anybody. */
  coverage: number;
  /** How little known the shown Books are: bits, 0 for one that everybody has. */
  novelty: number;
}

type Recommender = (reader: string, history: History) => number[];

/** Compares ways to recommend, on what readers bought before and after one day. @returns also how many readers it was judged by. */
export function evaluate(
  books: readonly Book[],
  purchases: readonly Purchase[],
  random: () => number,
): { judged: number; findings: Findings[] } {
  const before = Map.groupBy(
    purchases.filter(({ day }) => day < CUT_DAY),
    ({ reader }) => reader,
  );
  const after = Map.groupBy(
    purchases.filter(({ day }) => day >= CUT_DAY),
    ({ reader }) => reader,
  );
  const histories = new Map(
    [...before].map(([reader, own]) => [reader, historyOf(own.map((one) => ({ ...one, bought: true })))]),
  );
  const learner = new LikenessLearner();
  for (const [reader, history] of histories) learner.setLiked(reader, likedIn(history));
  const model = learner.learn({ storeId: "", revision: 0 });

  const shelves = new Shelves();
  shelves.put(books);
  const ids = books.map(({ id }) => id);
  const byReaders = ids.toSorted((a, b) => readersOf(model, b) - readersOf(model, a) || a - b);
  const ways: Record<string, Recommender> = {
    Bookmesh: (userId, history) =>
      rankFor(history, shelves.all(), { shelves, model, userId, max: SHOWN }).map(({ book }) => book.id),
    popularity: (_, history) => firstOf(byReaders, history),
    random: (_, history) => drawn(ids, history, random),
  };
  const judged = [...after].flatMap(([reader, bought]) => {
    const history = histories.get(reader);
    return history === undefined ? [] : [{ reader, history, bought: new Set(bought.map(({ bookId }) => bookId)) }];
  });
  const shared = { judged, model, books: books.length, readers: histories.size };
  const findings = Object.entries(ways).map(([name, recommend]) => judge(name, recommend, shared));
  return { judged: judged.length, findings };
}

interface Judged {
  reader: string;
  history: History;
  bought: ReadonlySet<number>;
}

function judge(
  name: string,
  recommend: Recommender,
  { judged, model, books, readers }: { judged: readonly Judged[]; model: Model; books: number; readers: number },
): Findings {
  const shownToAny = new Set<number>();
  let [precision, recall, novelty, shownInAll] = [0, 0, 0, 0];
  for (const { reader, history, bought } of judged) {
    const shown = recommend(reader, history);
    const hits = shown.filter((id) => bought.has(id)).length;
    precision += hits / SHOWN;
    recall += hits / bought.size;
    shownInAll += shown.length;
    for (const id of shown) {
      shownToAny.add(id);
      novelty -= Math.log2((readersOf(model, id) + 1) / (readers + 1));
    }
  }
  const count = judged.length;
  return {
    name,
    precision: precision / count,
    recall: recall / count,
    coverage: shownToAny.size / books,
    novelty: novelty / shownInAll,
  };
}

function firstOf(ids: readonly number[], history: History): number[] {
  return ids
    .values()
    .filter((id) => !history.has(id))
    .take(SHOWN)
    .toArray();
}

function drawn(ids: readonly number[], history: History, random: () => number): number[] {
  const shown = new Set<number>();
  const most = Math.min(SHOWN, ids.length - history.size);
  while (shown.size < most) {
    const id = ids[Math.floor(random() * ids.length)] as number;
    if (!history.has(id)) shown.add(id);
  }
  return [...shown];
}
