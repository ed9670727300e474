import { Status } from "nice-grpc";
import { calledBy, startOrders } from "../../test/support/orders.ts";
import { aBook, catalogueOf, fillCart, refusal, testClock } from "./testing.ts";

const LI = "7434029";
const usd = (minorUnits: bigint) => ({ currencyCode: "USD", minorUnits });

test("an empty cart costs nothing", async () => {
  await using orders = await startOrders();

  const { cart } = await orders.client.getCart({ userId: LI });

  expect(cart).toEqual({
    lines: [],
    quantity: 0,
    subtotal: undefined,
    discount: undefined,
    total: undefined,
    revision: expect.any(String),
  });
});

test("shows what is in a cart in the order in which it was put in, at the prices of now", async () => {
  await using orders = await startOrders();

  await fillCart(orders, LI, [
    [9, 1],
    [2, 1],
    [9, 1],
  ]);

  const { cart } = await orders.client.getCart({ userId: LI });
  expect(cart).toEqual({
    lines: [
      { bookId: 9, title: "Book 9", quantity: 2, unitPrice: usd(1000n), total: usd(2000n), inStock: true, gone: false },
      { bookId: 2, title: "Book 2", quantity: 1, unitPrice: usd(1000n), total: usd(1000n), inStock: true, gone: false },
    ],
    quantity: 3,
    subtotal: usd(3000n),
    discount: usd(1000n),
    total: usd(2000n),
    revision: expect.stringMatching(/^[\w-]{22}$/),
  });
});

test("gives a cart another revision whenever its books or quantities change, and the same when they are as before", async () => {
  await using orders = await startOrders();
  const revision = async () => (await orders.client.getCart({ userId: LI })).cart?.revision;
  const empty = await revision();
  await fillCart(orders, LI, [[1, 1]]);
  const one = await revision();
  await fillCart(orders, LI, [[1, 1]]);
  const two = await revision();
  await orders.client.changeItem({ userId: LI, bookId: 1, quantity: 1 });

  expect(new Set([empty, one, two]).size).toBe(3);
  expect(await revision()).toBe(one);
});

test("tells how many copies are in a cart without asking the marketplace", async () => {
  const away = { batchGetBooks: () => Promise.reject(new Error("nobody was to ask")) };
  await using orders = await startOrders({ marketplace: away });
  const items = [
    { bookId: 1, quantity: 2 },
    { bookId: 2, quantity: 3 },
  ];
  await orders.store.carts.change({ userId: LI }, new Date(), () => items);
  const guestCartId = await orders.store.carts.createForGuest(items, new Date());
  const { client } = orders;

  expect(await client.getCartSize({ userId: LI })).toEqual({ quantity: 5 });
  expect(await client.getCartSize({ userId: "nobody" })).toEqual({ quantity: 0 });
  expect(await client.getGuestCartSize({ guestCartId })).toEqual({ quantity: 5 });
  await expect(client.getGuestCartSize({ guestCartId: "another" })).rejects.toMatchObject(
    refusal(Status.NOT_FOUND, "CART_NOT_FOUND"),
  );
});

test("changes how many copies there are, and takes books out", async () => {
  await using orders = await startOrders();
  await fillCart(orders, LI, [
    [1, 1],
    [2, 2],
    [3, 3],
  ]);

  await orders.client.changeItem({ userId: LI, bookId: 1, quantity: 99 });
  await orders.client.changeItem({ userId: LI, bookId: 2, quantity: 0 });
  await orders.client.removeItem({ userId: LI, bookId: 3 });
  const { cart } = await orders.client.removeItem({ userId: LI, bookId: 3 });

  expect(cart?.lines).toMatchObject([{ bookId: 1, quantity: 99 }]);
  await expect(orders.client.changeItem({ userId: LI, bookId: 3, quantity: 1 })).rejects.toMatchObject(
    refusal(Status.NOT_FOUND, "ITEM_NOT_FOUND"),
  );
});

test("takes a hundred lines and 99 copies, and not one more", async () => {
  await using orders = await startOrders();
  const items = Array.from({ length: 100 }, (_, i) => ({ bookId: i + 1, quantity: i === 0 ? 99 : 1 }));
  await orders.store.carts.change({ userId: LI }, new Date(), () => items);

  const copies = orders.client.addItem({ userId: LI, bookId: 1, quantity: 1 });
  await expect(copies).rejects.toMatchObject(refusal(Status.FAILED_PRECONDITION, "TOO_MANY_COPIES"));
  const line = orders.client.addItem({ userId: LI, bookId: 101, quantity: 1 });
  await expect(line).rejects.toMatchObject(refusal(Status.FAILED_PRECONDITION, "CART_FULL"));

  const { cart } = await orders.client.getCart({ userId: LI });
  expect(cart).toMatchObject({ quantity: 198, subtotal: usd(198_000n) });
});

test.each([0, -1, 100])("refuses to put in %d copies", async (quantity) => {
  await using orders = await startOrders();

  await expect(orders.client.addItem({ userId: LI, bookId: 1, quantity })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "quantity", description: "must be 1 to 99" }],
  });
});

test("loses no copy when many are put in at once", async () => {
  await using orders = await startOrders();

  await Promise.all(
    Array.from({ length: 20 }, (_, i) => orders.client.addItem({ userId: LI, bookId: 1 + (i % 2), quantity: 1 })),
  );

  const { cart } = await orders.client.getCart({ userId: LI });
  expect(cart?.lines.map(({ quantity }) => quantity)).toEqual([10, 10]);
});

test("changes nothing when the cart cannot be shown after it, so that it may be asked for again", async () => {
  let away = false;
  await using orders = await startOrders({
    marketplace: catalogueOf((bookId) => {
      if (away && bookId === 2) throw new Error("the marketplace is away");
      return aBook(bookId);
    }),
  });
  await fillCart(orders, LI, [[2, 1]]);
  const { guestCartId } = await orders.client.addGuestItem({ bookId: 2, quantity: 1 });
  const change = () => [
    orders.client.addItem({ userId: LI, bookId: 1, quantity: 1 }),
    orders.client.addGuestItem({ guestCartId, bookId: 1, quantity: 1 }),
  ];

  away = true;
  for (const { status } of await Promise.allSettled(change())) expect(status).toBe("rejected");
  away = false;
  await Promise.all(change());

  for (const { cart } of [await orders.client.getCart({ userId: LI }), await orders.client.getGuestCart({ guestCartId })]) {
    expect(cart?.lines).toMatchObject([
      { bookId: 2, quantity: 1 },
      { bookId: 1, quantity: 1 },
    ]);
  }
});

test("makes no cart for a guest who does not learn its id", async () => {
  let answers = 1;
  await using orders = await startOrders({
    marketplace: catalogueOf((bookId) => {
      if (answers-- === 0) throw new Error("the marketplace is away");
      return aBook(bookId);
    }),
  });

  const ids = await orders.client.addGuestItem({ bookId: 1, quantity: 1 }).then(
    ({ guestCartId }) => [guestCartId],
    () => [],
  );

  expect(await orders.store.db.selectFrom("carts").select("owner").execute()).toHaveLength(ids.length);
});

test("shows what somebody else puts in at the same moment", async () => {
  const other = Promise.withResolvers<() => Promise<unknown>>();
  let asked = false;
  await using orders = await startOrders({
    marketplace: {
      async batchGetBooks({ bookIds = [] }) {
        const first = !asked;
        asked = true;
        if (first) await (await other.promise)();
        return { books: bookIds.map((bookId) => aBook(bookId)) };
      },
    },
  });
  other.resolve(() => orders.store.carts.change({ userId: LI }, new Date(), (items) => [...items, { bookId: 2, quantity: 1 }]));

  const { cart } = await orders.client.addItem({ userId: LI, bookId: 1, quantity: 1 });

  expect(cart?.lines).toMatchObject([
    { bookId: 2, quantity: 1, gone: false },
    { bookId: 1, quantity: 1, gone: false },
  ]);
});

test("refuses a book that the shop does not have, and shows one that it has no more", async () => {
  const gone = new Set([2]);
  await using orders = await startOrders({
    marketplace: catalogueOf((bookId) => (gone.has(bookId) ? undefined : aBook(bookId))),
  });
  await fillCart(orders, LI, [
    [1, 1],
    [3, 5],
  ]);
  gone.add(3);

  await expect(orders.client.addItem({ userId: LI, bookId: 2, quantity: 1 })).rejects.toMatchObject(
    refusal(Status.NOT_FOUND, "BOOK_NOT_FOUND"),
  );
  const { cart } = await orders.client.getCart({ userId: LI });
  expect(cart).toMatchObject({ quantity: 1, total: usd(1000n), lines: [{ bookId: 1 }, { bookId: 3, gone: true, title: "" }] });
});

test("says what is not in stock", async () => {
  await using orders = await startOrders({ defaultStock: 2 });
  await fillCart(orders, LI, [
    [1, 2],
    [2, 3],
  ]);

  const { cart } = await orders.client.getCart({ userId: LI });

  expect(cart?.lines.map(({ inStock }) => inStock)).toEqual([true, false]);
});

test("shows no total of two currencies", async () => {
  await using orders = await startOrders({
    marketplace: catalogueOf((bookId) => aBook(bookId, 1n, bookId === 1 ? "EUR" : "USD")),
  });
  await fillCart(orders, LI, [
    [1, 1],
    [2, 1],
  ]);

  const { cart } = await orders.client.getCart({ userId: LI });

  expect(cart).toMatchObject({ quantity: 2, total: undefined, lines: [{ bookId: 1 }, { bookId: 2 }] });
});

test("a user's cart is for that user's token alone", async () => {
  await using orders = await startOrders();

  const other = orders.client.getCart({ userId: LI }, { metadata: orders.users.as("7000001") });
  await expect(other).rejects.toMatchObject({ code: Status.NOT_FOUND });
  const nobody = orders.client.getCart({ userId: LI }, { metadata: calledBy("marketplace") });
  await expect(nobody).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
});

test("a guest gets a cart whose id nobody can guess", async () => {
  await using orders = await startOrders();

  const { guestCartId, cart } = await orders.client.addGuestItem({ bookId: 1, quantity: 3 });
  const other = await orders.client.addGuestItem({ bookId: 1, quantity: 1 });

  expect(Buffer.from(guestCartId, "base64url")).toHaveLength(24);
  expect(other.guestCartId).not.toBe(guestCartId);
  // Guests can use the promotion: they are users who have not signed in.
  expect(cart?.total).toEqual(usd(2000n));
  await orders.client.addGuestItem({ guestCartId, bookId: 2, quantity: 1 });
  await orders.client.changeGuestItem({ guestCartId, bookId: 1, quantity: 1 });
  await orders.client.removeGuestItem({ guestCartId, bookId: 2 });
  const shown = await orders.client.getGuestCart({ guestCartId });
  expect(shown.cart?.lines).toMatchObject([{ bookId: 1, quantity: 1 }]);
});

test("writes the id of a guest's cart nowhere", async () => {
  await using orders = await startOrders();

  const { guestCartId } = await orders.client.addGuestItem({ bookId: 1, quantity: 1 });

  const rows = await orders.store.db.selectFrom("carts").selectAll().execute();
  expect(JSON.stringify(rows)).not.toContain(guestCartId);
  expect(JSON.stringify(orders.logs.all)).not.toContain(guestCartId);
});

test("a guest's cart is gone 30 days after the last change, and an id that was never made becomes none", async () => {
  const clock = testClock();
  await using orders = await startOrders({ now: clock.now });
  const { guestCartId } = await orders.client.addGuestItem({ bookId: 1, quantity: 1 });
  clock.forward(29 * 86_400_000);
  await orders.client.addGuestItem({ guestCartId, bookId: 1, quantity: 1 });
  clock.forward(30 * 86_400_000);

  const gone = refusal(Status.NOT_FOUND, "CART_NOT_FOUND");
  await expect(orders.client.getGuestCart({ guestCartId })).rejects.toMatchObject(gone);
  await expect(orders.client.removeGuestItem({ guestCartId, bookId: 1 })).rejects.toMatchObject(gone);
  await orders.settler.look();
  expect(await orders.store.db.selectFrom("cart_lines").selectAll().execute()).toEqual([]);

  const again = await orders.client.addGuestItem({ guestCartId, bookId: 2, quantity: 1 });
  expect(again.guestCartId).not.toBe(guestCartId);
});

test("a guest who signs in keeps the cart, once", async () => {
  await using orders = await startOrders();
  await fillCart(orders, LI, [[1, 98]]);
  const { guestCartId } = await orders.client.addGuestItem({ bookId: 1, quantity: 5 });
  await orders.client.addGuestItem({ guestCartId, bookId: 2, quantity: 1 });

  await Promise.all([1, 2, 3].map(() => orders.client.mergeCart({ userId: LI, guestCartId })));
  const { cart } = await orders.client.mergeCart({ userId: LI, guestCartId });

  expect(cart?.lines).toMatchObject([
    { bookId: 1, quantity: 99 },
    { bookId: 2, quantity: 1 },
  ]);
  await expect(orders.client.getGuestCart({ guestCartId })).rejects.toMatchObject({ code: Status.NOT_FOUND });
});
