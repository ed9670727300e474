import { randomUUID } from "node:crypto";
import { newBook } from "../testing.ts";
import { ADA, countOf, skeletonOf } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";
import { commentsOf, keyOf, newReader, startShopWithReviews } from "./testing-reviews.ts";

let it: Awaited<ReturnType<typeof startShopWithReviews>>;
beforeAll(async () => {
  it = await startShopWithReviews();
});
afterAll(() => it[Symbol.asyncDispose]());

/** Another book for each test. */
let id = 0;
let book = "";
beforeEach(async () => {
  await it.marketplace.store.add([newBook(++id, `Book ${id}`)]);
  book = `/books/${id}`;
});

const reader = (shop = it.shop) => newReader(shop);

test("takes a rating and a text, and shows them to everybody, with the average in lists", async () => {
  const [ada, bob] = [await reader(), await reader()];
  expect((await ada.get(book)).body).toContain("Nobody has rated this book here yet.");

  const written = await ada.post(`${book}/review`, { rating: "5", text: "Ganz & gar <gut>.\nJa." });
  await bob.post(`${book}/review`, { rating: "2", text: "" });
  const page = await new TestBrowser(it.shop).get(book);

  expect([written.statusCode, written.headers.location]).toEqual([303, `${book}#reviews`]);
  expect(page.body).toContain("3.5 out of 5, 2 ratings");
  expect(unescaped(page)).toContain("Ganz & gar <gut>.\nJa.");
  expect(page.body).not.toContain("<gut>");
  for (const list of ["/books", "/search?q=book", "/categories/general"]) {
    expect((await ada.get(list)).body).toContain("3.5 out of 5, 2 ratings");
  }
});

test("asks for the ratings of a whole list by one call", async () => {
  const ada = await reader();
  const calls = () =>
    it.reviews.logs.with({ msg: "call finished", path: "/bookstore.reviews.v1.ReviewsService/GetRatings" }).length;
  const before = calls();

  await ada.get("/books");

  expect(calls() - before).toBe(1);
});

test("has whoever wrote a review change it, and take it back", async () => {
  const ada = await reader();
  await ada.post(`${book}/review`, { rating: "5", text: "Good." });

  const form = await ada.get(`${book}/review`);
  await ada.post(`${book}/review`, { rating: "4", text: "Quite good." });
  const changed = await ada.get(book);
  const removed = await ada.post(`${book}/review/delete`);
  const again = await ada.post(`${book}/review/delete`);

  expect(form.body).toContain('value="5" checked');
  expect(form.body).toContain(">\nGood.</textarea>");
  expect(changed.body).toContain("Change your review");
  expect(changed.body).toContain("4.0 out of 5, 1 rating");
  expect([removed.statusCode, again.statusCode]).toEqual([303, 303]);
  expect((await ada.get(book)).body).not.toContain("Quite good.");
});

test.each([
  ["no rating", { rating: "", text: "Words." }, "Rating is required."],
  ["a rating of 6", { rating: "6", text: "Words." }, "Rating must be"],
  ["a rating in words", { rating: "five", text: "Words." }, "Rating is required."],
  ["4,001 characters", { rating: "5", text: "界".repeat(4_001) }, "Review must be at most 4000 characters long."],
  ["control characters", { rating: "5", text: "a\u0007b" }, "Review must"],
])("says beside the field what is wrong with %s, and keeps what was typed", async (_what, fields, sentence) => {
  const ada = await reader();

  const answer = await ada.post(`${book}/review`, fields);

  expect(answer.statusCode).toBe(422);
  expect(answer.body).toContain(sentence);
  expect(unescaped(answer)).toContain(`${fields.text}</textarea>`);
});

test("keeps that a review can be taken back beside what is wrong with another one", async () => {
  const ada = await reader();
  expect((await ada.post(`${book}/review`, { rating: "", text: "Good." })).body).not.toContain("Take my review back");
  await ada.post(`${book}/review`, { rating: "5", text: "Good." });

  const answer = await ada.post(`${book}/review`, { rating: "", text: "Quite good." });

  expect(answer.statusCode).toBe(422);
  expect(answer.body).toContain("Take my review back");
});

test.each(["/books/1/review", "/books/1/reviews/x/comments/1"])("sends a guest who asks for %s to sign in", async (path) => {
  const { statusCode, headers } = await new TestBrowser(it.shop).get(path);

  expect([statusCode, headers.location]).toEqual([303, `/sign-in?${new URLSearchParams({ next: path })}`]);
});

test("takes no review of a book that is not there", async () => {
  const ada = await reader();

  const answers = [
    await ada.get("/books/9999/review"),
    await ada.post("/books/9999/review", { rating: "5", text: "" }),
    await ada.get("/books/9999/reviews/x"),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 404, 404]);
});

test("leads from page to page of the reviews", async () => {
  for (let count = 0; count < 11; count++) {
    const review = {
      id: `r${count}-${id}`,
      userId: `u${count}`,
      bookId: id,
      rating: 3,
      text: `Review ${count}.`,
      authorName: "",
    };
    await it.reviews.store.reviews.write({ ...review, writtenAt: new Date(1_000 * count) });
  }
  const guest = new TestBrowser(it.shop);

  const first = unescaped(await guest.get(book));
  const [, next = ""] = /href="(\/books\/\d+\?reviews=[^"#]+)#reviews"/.exec(first) ?? [];
  const second = await guest.get(next);
  const comments = await guest.get(commentsOf(second));

  expect([countOf('<p class="words"', first), countOf('<p class="words"', second.body)]).toEqual([10, 1]);
  expect(second.body).not.toContain("More reviews");
  expect(comments.body).toContain("Review 0.");
  expect((await guest.get(`${book}?reviews=nonsense`)).statusCode).toBe(400);
});

test("shows words of readers as text", async () => {
  const hostile = `</textarea><script>canary()</script>" onfocus="canary()`;
  const skeletons: string[] = [];
  for (const words of ["harmless", hostile]) {
    const ada = new TestBrowser(it.shop);
    await ada.post("/register", { ...ADA, name: words, email: `${randomUUID()}@example.com` });
    await ada.post(`${book}/review`, { rating: "5", text: words });
    const path = commentsOf(await ada.get(book));
    await ada.post(path, { content: words, key: keyOf(await ada.get(path)) });
    const pages = [await ada.get(book), await ada.get(path), await ada.get(`${book}/review`)];
    skeletons.push(pages.map(({ body }) => skeletonOf(body)).join());
    await ada.post(`${book}/review/delete`);
  }

  expect(skeletons[0]).toBe(skeletons[1]);
});

test("lets people browse and buy while reviews is away, and says so quietly", async () => {
  await using own = await startShopWithReviews();
  await own.marketplace.store.add([newBook(1, "Emma")]);
  const ada = await reader(own.shop);
  own.reviews.server.forceShutdown();

  const pages = [await ada.get("/books/1"), await ada.get("/books"), await ada.get("/search?q=emma")];
  const others = [
    await ada.get("/books/1/review"),
    await ada.post("/books/1/review", { rating: "5", text: "Kept words." }),
    await ada.post("/books/1/reviews/x", { content: "Kept words.", key: randomUUID() }),
    await ada.get("/books/1/reviews/x"),
    await ada.get("/comments/1"),
  ];

  expect(pages.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
  expect(pages[0]?.body).toContain("Reviews are taking a break.");
  expect(pages[0]?.body).toContain("to cart</span></button>");
  expect(others.map(({ statusCode }) => statusCode)).toEqual([503, 503, 503, 503, 503]);
  for (const form of others.slice(1, 3)) expect(form.body).toContain("Kept words.</textarea>");
  expect(others[2]?.body).not.toContain("Nobody has said anything yet.");
});

test("writes no words of readers into a log", async () => {
  const ada = await reader();
  await ada.post(`${book}/review`, { rating: "5", text: "canary-review" });
  const path = commentsOf(await ada.get(book));
  await ada.post(path, { content: "canary-comment", key: keyOf(await ada.get(path)) });
  await ada.post(path, { content: "canary-comment", key: "x" });

  expect(it.logs()).not.toMatch(/canary|Ada/);
});
