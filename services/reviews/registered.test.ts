import { Status } from "nice-grpc";
import { marketplaceClient } from "../../clients/marketplace.ts";
import { registerClient } from "../../clients/register.ts";
import { Book, BookCategory } from "../../gen/bookstore/catalog/v1/book.ts";
import { createLogger } from "../../runtime/logger.ts";
import { openPlaintextChannel } from "../../test/support/plaintext.ts";
import { startReviews } from "../../test/support/reviews.ts";
import { startMarketplace, startRegister } from "../../test/support/service.ts";
import { findAuthor, hasBook } from "./peers.ts";
import { eventsIn } from "./testing-events.ts";

const ADA = { email: "ada@example.com", name: "Ada", language: "en", country: "GB" };
const SUBJECT = { $case: "articleId", value: 100n } as const;
const ON_ARTICLE = { subject: SUBJECT, authorUserId: "author", content: "very good.", idempotencyKey: "1" };

test("takes comments and reviews only from those who are registered, under the name they gave", async () => {
  await using register = await startRegister();
  const { user } = await register.client.register(ADA);
  await using reviews = await startReviews({ findAuthor: findAuthor(registerClient(register.channel, register.logger)) });

  const stranger = { code: Status.FAILED_PRECONDITION, reason: "USER_NOT_REGISTERED" };
  const refused = reviews.client.postComment({ ...ON_ARTICLE, userId: "7000001" });
  await expect(refused).rejects.toMatchObject({ ...stranger, details: "You need to register to comment." });
  await expect(reviews.client.writeReview({ userId: "7000001", bookId: 7, rating: 5 })).rejects.toMatchObject(stranger);
  expect((await reviews.client.listComments({ subject: SUBJECT })).comments).toEqual([]);

  const { comment } = await reviews.client.postComment({ ...ON_ARTICLE, userId: user?.id ?? "" });
  expect(comment).toMatchObject({ authorName: "Ada", content: "very good." });
});

test("stores nothing while register cannot be asked, and the same request when it can", async () => {
  await using register = await startRegister();
  const { user } = await register.client.register(ADA);
  const userId = user?.id ?? "";
  const nobody = openPlaintextChannel("127.0.0.1:1");
  let channel = nobody;
  await using reviews = await startReviews({
    findAuthor: (id) => findAuthor(registerClient(channel, register.logger))(id),
  });

  const away = { code: Status.UNAVAILABLE, details: "bookstore.register.v1.RegisterService did not answer" };
  await expect(reviews.client.postComment({ ...ON_ARTICLE, userId })).rejects.toMatchObject(away);
  await expect(reviews.client.writeReview({ userId, bookId: 7, rating: 5 })).rejects.toMatchObject(away);
  nobody.close();
  expect((await reviews.client.listComments({ subject: SUBJECT })).comments).toEqual([]);
  expect((await reviews.client.listReviews({ bookId: 7 })).reviews).toEqual([]);
  expect(await eventsIn(reviews)).toEqual([]);

  channel = register.channel;
  await expect(reviews.client.postComment({ ...ON_ARTICLE, userId })).resolves.toMatchObject({ comment: { id: 1n } });
});

test("takes reviews only of books that the marketplace has", async () => {
  await using marketplace = await startMarketplace();
  const book = Book.fromPartial({ title: "Emma", authors: ["Jane Austen"] });
  await marketplace.store.add([
    { source: "test", sourceId: 1, id: 1, book: { ...book, category: BookCategory.BOOK_CATEGORY_GENERAL } },
  ]);
  await using reviews = await startReviews({ hasBook: hasBook(marketplace.client) });

  await reviews.client.writeReview({ userId: "1", bookId: 1, rating: 5 });
  await expect(reviews.client.writeReview({ userId: "1", bookId: 2, rating: 5 })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    reason: "BOOK_NOT_FOUND",
  });

  expect((await reviews.client.listReviews({ bookId: 2 })).reviews).toEqual([]);
});

test("stores no review while the marketplace cannot be asked", async () => {
  const nobody = openPlaintextChannel("127.0.0.1:1");
  const logger = createLogger({ name: "test", level: "silent" });
  await using reviews = await startReviews({ hasBook: hasBook(marketplaceClient(nobody, logger)) });

  await expect(reviews.client.writeReview({ userId: "1", bookId: 1, rating: 5 })).rejects.toMatchObject({
    code: Status.UNAVAILABLE,
  });
  nobody.close();

  expect(await eventsIn(reviews)).toEqual([]);
});
