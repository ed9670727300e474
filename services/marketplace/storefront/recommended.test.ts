import { BookCategory } from "../../../gen/bookstore/catalog/v1/book.ts";
import type { Reason } from "../../../gen/bookstore/recommendations/v1/recommendations_service.ts";
import { currentCall } from "../../../runtime/call-context.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { countOf, openShop, startShop } from "./testing.ts";
import { unescaped } from "./testing-browser.ts";
import { BOOKS } from "./testing-services.ts";

type Why = Reason["why"];

const category = BookCategory.BOOK_CATEGORY_POETRY;
const emma = { bookId: 1, title: "<Emma>" };

/** Answers with the same book for each reason. */
function recommends(marketplace: Awaited<ReturnType<typeof startMarketplace>>, ...reasons: Why[]) {
  return async () => {
    const book = await marketplace.store.get(2);
    return { recommendations: reasons.map((why) => ({ book, reason: { why } })) };
  };
}

const REASONS: [Why, string][] = [
  [{ $case: "bought", value: emma }, "Because you bought <Emma>"],
  [{ $case: "rated", value: emma }, "Because you liked <Emma>"],
  [{ $case: "sameAuthor", value: { author: "Jane Austen", becauseOf: emma } }, "By Jane Austen too, like <Emma>"],
  [{ $case: "sameShelf", value: { category, becauseOf: emma } }, "From the shelf Poetry, like <Emma>"],
  [{ $case: "popular", value: { category } }, "Many like it on the shelf Poetry"],
  [{ $case: "undiscovered", value: { category } }, "Hardly anybody has found it so far"],
];

test("shows users what is picked for them, and why", async () => {
  await using it = await startShop();
  await it.marketplace.store.add(BOOKS);
  const browser = await it.signedIn();
  const recommendForReader = recommends(it.marketplace, ...REASONS.map(([why]) => why));
  const { register, sessions, verifyUserToken } = it.accounts;
  await using shop = await openShop(it.marketplace, {
    register,
    sessions,
    verifyUserToken,
    recommendations: { recommendForReader },
  });

  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const page = await shop.inject({ url: "/", headers: { cookie } });
  const guest = await shop.inject("/");

  expect(page.body).toContain("<h2>Picked for you</h2>");
  for (const [, words] of REASONS) expect(unescaped(page)).toContain(`<p class="why">${words}</p>`);
  expect(page.body).not.toContain("<Emma>");
  expect(countOf("<li>", page.body)).toBe(countOf("<li>", guest.body));
  expect(guest.body).not.toContain("Picked for you");
});

test("shows what readers of a book bought too, apart from what is only like it", async () => {
  await using marketplace = await startMarketplace();
  await marketplace.store.add(BOOKS);
  const similar = recommends(
    marketplace,
    { $case: "alsoBought", value: emma },
    { $case: "sameShelf", value: { category, becauseOf: undefined } },
  );
  await using shop = await openShop(marketplace, { recommendations: { similarBooks: similar } });

  const { body } = await shop.inject("/books/1");

  expect(body).toMatch(
    /<h2>Readers who bought this also bought<\/h2>[\s\S]*Dracula[\s\S]*<h2>More like this<\/h2>[\s\S]*From the shelf Poetry/,
  );
});

test("says who reads when it asks what goes with a book, as that reader, and nobody for guests", async () => {
  await using it = await startShop();
  await it.marketplace.store.add(BOOKS);
  const browser = await it.signedIn();
  const { register, sessions, verifyUserToken } = it.accounts;
  const asked: { userId: string | undefined; token: string | undefined }[] = [];
  await using shop = await openShop(it.marketplace, {
    ...{ register, sessions, verifyUserToken },
    recommendations: {
      async similarBooks({ userId }) {
        asked.push({ userId, token: currentCall()?.userToken });
        return { recommendations: [] };
      },
    },
  });
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");

  await shop.inject({ url: "/books/1", headers: { cookie } });
  await shop.inject("/books/1");

  const [user, guest] = asked;
  expect(user?.userId).toBe((await verifyUserToken(user?.token ?? "")).id);
  expect(guest).toEqual({ userId: "", token: undefined });
});

test("shows pages without these sections while recommendations is away", async () => {
  await using it = await startShop();
  await it.marketplace.store.add(BOOKS);
  const browser = await it.signedIn();

  const [home, book] = [await browser.get("/"), await browser.get("/books/1")];

  expect([home.statusCode, book.statusCode]).toEqual([200, 200]);
  expect(home.body + book.body).not.toMatch(/Picked for you|also bought|More like this/);
});
