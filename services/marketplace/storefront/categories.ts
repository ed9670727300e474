import { BookCategory } from "../../../gen/bookstore/catalog/v1/book.ts";

/** A shelf as the pages show it. */
export interface Shelf {
  category: BookCategory;
  /** In addresses: "science-fiction". */
  slug: string;
  /** "Science fiction" */
  name: string;
}

/** Every shelf, in the order of the contract. */
export const shelves: readonly Shelf[] = Object.entries(BookCategory)
  .filter(([, category]) => category > 0)
  .map(([constant, category]) => {
    const words = constant.replace("BOOK_CATEGORY_", "").toLowerCase().split("_");
    const name = words.join(" ");
    return { category, slug: words.join("-"), name: name.charAt(0).toUpperCase() + name.slice(1) };
  });

const byCategory = new Map(shelves.map((shelf) => [shelf.category, shelf]));
const bySlug = new Map(shelves.map((shelf) => [shelf.slug, shelf]));

export function shelfOf(category: BookCategory): Shelf | undefined {
  return byCategory.get(category);
}

export function shelfBySlug(slug: string): Shelf | undefined {
  return bySlug.get(slug);
}
