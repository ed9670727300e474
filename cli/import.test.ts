import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { builtInCatalogue } from "../services/marketplace/built-in-catalogue.ts";
import { type MarketplaceStore, openMarketplaceStore } from "../services/marketplace/store.ts";
import { goodbooksDefaults, ImportError, importGoodbooks } from "./import.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const HEADER = "book_id,authors,original_publication_year,title,language_code,average_rating,ratings_count";
const defaults = goodbooksDefaults({ category: "general", price: "9.99" });

let folder: string;
let store: MarketplaceStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bookmesh-import-"));
  store = await openMarketplaceStore(`sqlite:${folder}/marketplace.db`, pino({ level: "silent" }));
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

async function file(...rows: string[]): Promise<string> {
  const path = join(folder, "books.csv");
  await writeFile(path, [HEADER, ...rows, ""].join("\n"));
  return path;
}

async function importFile(path: string) {
  const refused: [number, readonly string[]][] = [];
  const progress: number[] = [];
  const report = await importGoodbooks(path, store, {
    defaults,
    onRefused: (line, problems) => void refused.push([line, problems]),
    onProgress: (read, total) => void progress.push(read / total),
  });
  return { report, refused, progress };
}

test("imports books so that they are found beside the built-in ones", async () => {
  const { report } = await importFile(await file('1,Nobody Known,1999.0,"Commas, and ""quotes""",eng,4.5,10'));

  expect(report).toMatchObject({ rows: 1, added: 1, refused: 0 });
  const { books } = await store.search(["commas"], { offset: 0, limit: 10 });
  expect(books).toMatchObject([{ id: 100_001, title: 'Commas, and "quotes"', rating: { average: 4.5, count: 10n } }]);
});

test("importing a file again changes nothing, and the followers of the catalogue hear nothing", async () => {
  const path = await file("1,A,1999,T,eng,4.5,10", "2,B,1999,U,eng,4.5,10");
  await importFile(path);
  const revision = await store.revision();

  expect((await importFile(path)).report).toMatchObject({ added: 0, changed: 0, unchanged: 2 });
  expect(await store.revision()).toBe(revision);
});

test("importing a changed file changes what is different", async () => {
  await importFile(await file("1,A,1999,T,eng,4.5,10", "2,B,1999,U,eng,4.5,10"));

  expect((await importFile(await file("1,A,1999,T,eng,4.5,11", "2,B,1999,U,eng,4.5,10"))).report).toMatchObject({
    changed: 1,
    unchanged: 1,
  });
});

test("a book of the built-in catalogue is not doubled, only rated", async () => {
  const { report } = await importFile(
    await file('7,Agatha Christie,1934,"Murder on the Orient Express (Hercule Poirot, #10)",eng,4.1,99'),
  );

  expect(report).toMatchObject({ added: 0, known: 1 });
  expect(await store.get(2)).toMatchObject({
    title: "Murder on the Orient Express",
    firstPublished: 1934,
    rating: { count: 99n },
  });
});

test("bad rows are named by their lines and good rows imported all the same", async () => {
  const { report, refused } = await importFile(
    await file(
      "1,A,1999,T,eng,4.5,10",
      "x,A,1999,T,eng,4.5,10",
      "2,B,1999",
      '3,B,1999,Q "x,eng,4,1',
      "1,C,1999,V,eng,4,1",
      '4,D,1999,"two\nlines",eng,4,1',
      "5,E,1999,W,eng,9,1",
    ),
  );

  expect(report).toMatchObject({ rows: 7, added: 2, refused: 5 });
  const lines = new Map(refused.map(([line, problems]) => [line, problems.join()]));
  expect(lines.get(3)).toBe("book_id must be a whole number");
  expect(lines.get(4)).toMatch(/Invalid Record Length/);
  expect(lines.get(5)).toMatch(/Invalid Opening Quote/);
  expect(lines.get(6)).toBe("book_id 1 is in line 2 already");
  expect(lines.get(9)).toBe("average_rating must be 0 to 5");
});

test("a file of another kind is refused before anything is stored", async () => {
  const path = join(folder, "other.csv");
  await writeFile(path, "a,b\n1,2\n");

  await expect(importFile(path)).rejects.toThrow(ImportError);
  expect(await store.revision()).toBe(builtInCatalogue().length);
});

test("imports 10,000 books and tells how far it is", async () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => `${i + 1},Author ${i},2000.0,Title ${i},eng,3.${i % 10},${i}`);
  const { report, progress } = await importFile(await file(...rows));

  expect(report.added).toBe(10_000);
  expect(progress.length).toBeGreaterThan(10);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(progress.at(-1)).toBe(1);
});

test.each([
  ["a row is bad", "x,A,1999,T,eng,4.5,10", 65, /books\.csv:2: book_id must be a whole number/],
  ["all is well", "1,A,1999,T,eng,4.5,10", 0, /^$/],
])("the command ends with the right status when %s", async (_name, row, status, complaint) => {
  const child = spawn(process.execPath, [MAIN, "import", await file(row), "--data", folder]);
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints += chunk;
  });

  expect((await once(child, "close"))[0]).toBe(status);
  expect(complaints).toMatch(complaint);
});

test.each([
  [["no-such-file.csv"], 66, /there is no such file/],
  [["x.csv", "--price", "cheap"], 64, /Expected an amount such as 9\.99/],
  [["x.csv", "--category", "nonsense"], 65, /there are mystery, science_fiction/],
])("the command refuses %j", async (args, status, complaint) => {
  const child = spawn(process.execPath, [MAIN, "import", ...args, "--data", folder]);
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints += chunk;
  });

  expect((await once(child, "close"))[0]).toBe(status);
  expect(complaints).toMatch(complaint);
});
