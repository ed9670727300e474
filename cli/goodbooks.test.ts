import { BookCategory } from "../gen/bookstore/catalog/v1/book.ts";
import { type GoodbooksRow, parseGoodbooksRow } from "./goodbooks.ts";

const defaults = { category: BookCategory.BOOK_CATEGORY_GENERAL, price: { currencyCode: "USD", minorUnits: 999n } };
const HUNGER_GAMES: GoodbooksRow = {
  book_id: "1",
  authors: "Suzanne Collins",
  original_publication_year: "2008.0",
  title: "The Hunger Games (The Hunger Games, #1)",
  language_code: "eng",
  average_rating: "4.34",
  ratings_count: "4780653",
};

test("reads a row, with the series out of the title and the language as a tag", () => {
  expect(parseGoodbooksRow(HUNGER_GAMES, defaults)).toEqual({
    source: "goodbooks",
    sourceId: 1,
    book: {
      title: "The Hunger Games",
      authors: ["Suzanne Collins"],
      firstPublished: 2008,
      category: BookCategory.BOOK_CATEGORY_GENERAL,
      language: "en",
      price: { currencyCode: "USD", minorUnits: 999n },
      summary: "The Hunger Games, #1",
      rating: { average: 4.34, count: 4_780_653n },
    },
  });
});

test.each<[string, Partial<GoodbooksRow>, object]>([
  ["no year", { original_publication_year: "" }, { firstPublished: 0 }],
  ["a year before the common era", { original_publication_year: "-750.0" }, { firstPublished: -750 }],
  ["several authors", { authors: "J.K. Rowling, Mary GrandPré" }, { authors: ["J.K. Rowling", "Mary GrandPré"] }],
  ["a language with a region", { language_code: "en-US" }, { language: "en-US" }],
  ["no language", { language_code: "" }, { language: "" }],
  ["nobody who rated", { ratings_count: "0" }, { rating: undefined }],
  ["a title that is all series", { title: "(Saga, #1)" }, { title: "(Saga, #1)" }],
  ["brackets that are no series", { title: "Emma (annotated)" }, { title: "Emma (annotated)", summary: "" }],
])("reads a row with %s", (_name, change, expected) => {
  expect(parseGoodbooksRow({ ...HUNGER_GAMES, ...change }, defaults)).toMatchObject({ book: expected });
});

test("says everything that is wrong with a row", () => {
  const row = {
    ...HUNGER_GAMES,
    book_id: "x",
    authors: " ",
    original_publication_year: "19999",
    title: "",
    average_rating: "5.1",
    ratings_count: "-1",
  };

  expect(parseGoodbooksRow(row, defaults)).toEqual([
    "book_id must be a whole number",
    "authors must not be empty",
    "original_publication_year must be a year or empty",
    "title must not be empty",
    "average_rating must be 0 to 5",
    "ratings_count must be a whole number",
  ]);
});
