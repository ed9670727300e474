import { Status } from "nice-grpc";
import { registerClient } from "../../clients/register.ts";
import { openPlaintextChannel } from "../../test/support/plaintext.ts";
import { startReviews } from "../../test/support/reviews.ts";
import { startRegister } from "../../test/support/service.ts";
import { findAuthor } from "./authors.ts";
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
