import { randomUUID } from "node:crypto";
import { Notification, NotificationKind } from "../../../gen/bookstore/push/v1/push_service.ts";
import { newBook } from "../testing.ts";
import { viewOf } from "./pages/notifications.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";
import { commentsOf, keyOf, newReader, startShopWithReviews } from "./testing-reviews.ts";

let it: Awaited<ReturnType<typeof startShopWithReviews>>;
beforeAll(async () => {
  it = await startShopWithReviews();
});
afterAll(() => it[Symbol.asyncDispose]());

/** Another book for each test, with a review. */
let bookId = 0;
let book = "";
let reviewId = "";
let path = "";
beforeEach(async () => {
  await it.marketplace.store.add([newBook(++bookId, `Book ${bookId}`)]);
  book = `/books/${bookId}`;
  reviewId = await review("reviewer", "The review.");
  path = `${book}/reviews/${reviewId}`;
});

const reader = () => newReader(it.shop);

/** Has somebody write a review, past the shop. @returns its id. */
async function review(userId: string, text: string): Promise<string> {
  const { id } = await it.reviews.store.reviews.write({
    ...{ id: randomUUID(), userId, bookId, rating: 5, text, authorName: "", writtenAt: new Date() },
  });
  return id;
}

/** Has somebody comment on the review so many times, past the shop. @returns the ids. */
async function say(count: number, { userId = "somebody", parentId = 0 } = {}): Promise<number[]> {
  const ids: number[] = [];
  for (let number = 0; number < count; number++) {
    const { comment } = await it.reviews.store.comments.post({
      ...{ subject: { kind: "review", id: reviewId }, userId, parentId, authorName: "", content: `Number ${number}.` },
      ...{ articleAuthorId: "", idempotencyKey: randomUUID(), fingerprint: "", createdAt: new Date() },
    });
    ids.push(comment.id);
  }
  return ids;
}

function linkIn(page: { body: string }, pattern: RegExp): string {
  return pattern.exec(unescaped(page))?.[1] ?? "none";
}

const callsOf = (method: string) =>
  it.reviews.logs.with({ msg: "call finished", path: `/bookstore.reviews.v1.ReviewsService/${method}` }).length;

test("takes comments on a review and answers to them, once however often the form is sent", async () => {
  const [ada, bob] = [await reader(), await reader()];
  await ada.post(`${book}/review`, { rating: "5", text: "Good." });
  const path = commentsOf(await bob.get(book));
  const key = keyOf(await bob.get(path));

  const [posted, twice] = [await bob.post(path, { content: "Why?", key }), await bob.post(path, { content: "Why?", key })];
  const comment = /#comment-(\d+)$/.exec(String(posted.headers.location))?.[1] ?? "";
  const answering = await ada.get(`${path}?answer=${comment}`);
  await ada.post(path, { content: "Because.", key: keyOf(answering), answer: comment });

  expect(twice.headers.location).toBe(posted.headers.location);
  expect(answering.body).toContain(`name="answer" value="${comment}"`);
  expect(answering.body).toContain("Answer Reader");
  const page = (await new TestBrowser(it.shop).get(path)).body;
  expect(page).toMatch(/class="said" id="comment-\d+">[\s\S]*Why\?[\s\S]*class="said answer"[\s\S]*Because\./);
  expect(page).toContain("to say something.");
  expect((await bob.get(book)).body).toContain("2 comments");
});

test("has whoever wrote a comment change it and take it back, and nobody else", async () => {
  const [ada, bob] = [await reader(), await reader()];
  await ada.post(`${book}/review`, { rating: "5", text: "Good." });
  const path = commentsOf(await bob.get(book));
  const { headers } = await bob.post(path, { content: "Why?", key: keyOf(await bob.get(path)) });
  const own = `${path}/comments/${String(headers.location).split("#comment-")[1]}`;

  expect((await bob.get(path)).body).toContain(`href="${own}"`);
  expect((await ada.get(path)).body).not.toContain(own);
  expect((await ada.get(own)).statusCode).toBe(404);
  expect((await ada.post(own, { content: "Mine." })).statusCode).toBe(404);
  expect((await ada.post(`${own}/delete`)).statusCode).toBe(303);
  expect((await bob.get(own)).body).toContain("Why?</textarea>");
  await bob.post(own, { content: "Why not?" });
  expect((await ada.get(path)).body).toContain("Why not?");
  await bob.post(`${own}/delete`);
  expect((await ada.get(path)).body).not.toContain("Why not?");
});

test("shows a comment without words again, with what is wrong", async () => {
  const ada = await reader();
  await ada.post(`${book}/review`, { rating: "5", text: "Good." });
  const path = commentsOf(await ada.get(book));
  const key = keyOf(await ada.get(path));

  const { statusCode, body } = await ada.post(path, { content: " ", key });

  expect([statusCode, keyOf({ body })]).toEqual([422, key]);
  expect(body).toContain('id="content-problem"');
});

test("answers a comment of a later page there, and leads to what was posted", async () => {
  const [oldest = 0] = await say(51);
  const ada = await reader();

  const second = await ada.get(linkIn(await ada.get(path), /href="([^"]+)" rel="next"/));
  const answering = await ada.get(linkIn(second, new RegExp(`href="([^"]+answer=${oldest})#write"`)));
  const sent = { content: "Late, but so true.", key: keyOf(answering), answer: linkIn(answering, /name="answer" value="(\d+)"/) };
  const posted = await ada.post(linkIn(answering, /method="post" action="([^"]+reviews[^"]+)"/), sent);
  const [address = "", anchor] = String(posted.headers.location).split("#");
  const page = await ada.get(address);

  expect(answering.body).toContain('<h2 id="write-title">Answer a reader</h2>');
  expect([sent.answer, posted.statusCode]).toEqual([String(oldest), 303]);
  expect(page.body).toMatch(new RegExp(`id="comment-${oldest}"[^]*class="said answer" id="${anchor}"[^]*Late, but so true.`));
  expect(linkIn(page, /href="([^"]+)">Newest comments/)).toBe(path);
});

test("leads to an answer that stands further down its thread than a page", async () => {
  const [parentId = 0] = await say(1);
  const answers = await say(60, { parentId });

  const page = await new TestBrowser(it.shop).get(`${path}?comment=${answers.at(-1)}`);

  expect(page.body).toContain(`id="comment-${answers.at(-1)}"`);
});

test("says that a comment is answered also when that is gone, and shows the first page", async () => {
  const [gone = 0, other] = await say(2);
  await it.reviews.store.comments.delete("somebody", gone);
  const ada = await reader();

  const answering = await ada.get(`${path}?answer=${gone}`);
  const { statusCode, body } = await ada.post(path, { content: "Why?", key: keyOf(answering), answer: `${gone}` });

  for (const page of [answering.body, body]) {
    expect(page).toContain('<h2 id="write-title">Answer a comment</h2>');
    expect(page).toContain(`id="comment-${other}"`);
  }
  expect(statusCode).toBe(404);
  expect(body).toContain("The comment was taken back meanwhile.");
});

test("has a guest who wants to answer sign in and come back to that", async () => {
  const [comment] = await say(1);

  const page = await it.shop.inject(`${path}?answer=${comment}`);

  const door = linkIn(page, /href="([^"]+)">Sign in<\/a> to say something/);
  expect(door).toBe(`/sign-in?${new URLSearchParams({ next: `${path}?answer=${comment}` })}`);
});

test("shows a review with its comments however many newer ones there are", async () => {
  for (let count = 0; count < 12; count++) await review(`user ${count}`, "Newer.");

  const page = await it.shop.inject(path);

  expect([page.statusCode, page.body.includes("The review.")]).toEqual([200, true]);
});

test("has no comments on a review that is not there, was taken back or is of another book", async () => {
  const other = bookId++;
  await it.marketplace.store.add([newBook(bookId, "Another one")]);
  const [comment] = await say(1);
  const paths = [`/books/${bookId}/reviews/${reviewId}`, `${book}/reviews/no-such-review`, path, `/comments/${comment}`];
  const statuses = async () => (await Promise.all(paths.map((one) => it.shop.inject(one)))).map(({ statusCode }) => statusCode);

  expect(await statuses()).toEqual([404, 404, 200, 303]);
  await it.reviews.store.reviews.delete("reviewer", other);
  expect(await statuses()).toEqual([404, 404, 404, 404]);
});

test("has each of many comments on one review changed by whoever wrote it", async () => {
  const email = `${randomUUID()}@example.com`;
  const ada = await newReader(it.shop, email);
  const user = (await it.accounts.store.list(undefined, 100)).find((one) => one.email === email);
  const [oldest] = await say(101, { userId: String(user?.id) });

  const page = await ada.get(`${path}?comment=${oldest}`);
  const form = await ada.get(linkIn(page, new RegExp(`href="([^"]+/comments/${oldest})"`)));
  const changed = await ada.post(`${path}/comments/${oldest}`, { content: "Changed." });

  expect([form.statusCode, form.body.includes("Number 0.</textarea>")]).toEqual([200, true]);
  expect((await ada.get(String(changed.headers.location).split("#")[0] ?? "")).body).toContain("Changed.");
});

test("asks for nothing else when a comment is posted", async () => {
  const ada = await reader();
  const key = keyOf(await ada.get(path));
  const before = ["ListComments", "ListOwnComments", "ListReviews"].map(callsOf);

  await ada.post(path, { content: "So true.", key });

  expect(["ListComments", "ListOwnComments", "ListReviews"].map(callsOf)).toEqual(before);
});

test("leads from a notice of a comment to the comment", async () => {
  const [comment = 0] = await say(1);
  const subject = { orderId: "", bookId, articleId: 0n, commentId: BigInt(comment) };
  const kind = NotificationKind.NOTIFICATION_KIND_COMMENT_POSTED;
  const { href, label } = viewOf(Notification.fromPartial({ kind, subject }));

  const { statusCode, headers } = await it.shop.inject(href);

  expect(label).toBe("Look at the comment");
  expect([statusCode, headers.location]).toEqual([303, `${path}?comment=${comment}#comment-${comment}`]);
  expect((await it.shop.inject("/comments/999999")).statusCode).toBe(404);
});
