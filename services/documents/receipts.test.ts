import { Status } from "nice-grpc";
import { DocumentKind } from "../../gen/bookstore/documents/v1/document.ts";
import type { OrderPlaced } from "../../gen/bookstore/events/v1/order_events.ts";
import { startDocuments } from "../../test/support/documents.ts";
import { receiptPage } from "./receipt.ts";
import { gather, orderPlaced } from "./testing.ts";

const usd = (minorUnits: bigint) => ({ currencyCode: "USD", minorUnits });

const order: OrderPlaced = {
  ...{ orderId: "order-1", userId: "a" },
  books: [
    { bookId: 1, title: "Emma", quantity: 2, unitPrice: usd(1_299n) },
    { bookId: 2, title: "<script>alert('x')</script> & more", quantity: 1, unitPrice: usd(90_071_992_547_409_931n) },
  ],
  ...{ total: usd(90_071_992_547_411_230n), discount: usd(1_299n), buyTwoGetOneFreePromo: true },
  placeTime: new Date("2026-11-01T09:30:00Z"),
};

test("a receipt is made of an order, for its buyer alone", async () => {
  await using server = await startDocuments();
  const { client } = server;
  const none = { code: Status.NOT_FOUND, reason: "RECEIPT_NOT_FOUND" };
  await expect(client.findReceipt({ userId: "a", orderId: "order-1" })).rejects.toMatchObject(none);

  await server.events.handle(orderPlaced(order));

  const { document } = await client.findReceipt({ userId: "a", orderId: "order-1" });
  expect(document).toMatchObject({
    ...{ kind: DocumentKind.DOCUMENT_KIND_RECEIPT, userId: "a", orderId: "order-1", name: "receipt-order-1.html" },
    contentType: "text/html; charset=utf-8",
  });
  const { bytes } = await gather(client.downloadDocument({ userId: "a", documentId: document?.id ?? "" }));
  expect(bytes.toString()).toBe(receiptPage(order));
  await expect(client.findReceipt({ userId: "b", orderId: "order-1" })).rejects.toMatchObject(none);
  // It costs the buyer no room.
  expect(await client.listDocuments({ userId: "a" })).toMatchObject({ documents: [document], usedBytes: 0n });
});

test("an order has one receipt, however often it is told of and whoever hears of it", async () => {
  await using one = await startDocuments();
  const { url, folder, users } = one;
  await using other = await startDocuments({ url, folder, users });

  await Promise.all([one.events.handle(orderPlaced(order)), other.events.handle(orderPlaced(order))]);
  await one.events.handle(orderPlaced(order));
  await other.events.handle(orderPlaced(order, "2"));

  expect((await one.client.listDocuments({ userId: "a" })).documents).toHaveLength(1);
});

test("what was written for a receipt that did not come about is removed", async () => {
  let now = new Date("2026-11-01T12:00:00Z");
  await using server = await startDocuments({ now: () => now });
  await server.store.receipts.expectBlob("lost", new Date(now.getTime() + 1_000));
  await server.blobs.begin("lost");
  await server.events.handle(orderPlaced(order));
  const { document } = await server.client.findReceipt({ userId: "a", orderId: "order-1" });

  now = new Date("2026-11-03T12:00:00Z");
  await server.janitor.clean();

  expect(await server.files()).toEqual([document?.id]);
});

test("a receipt is not deleted", async () => {
  await using server = await startDocuments();
  await server.events.handle(orderPlaced(order));
  const { document } = await server.client.findReceipt({ userId: "a", orderId: "order-1" });

  await expect(server.client.deleteDocument({ userId: "a", documentId: document?.id ?? "" })).rejects.toMatchObject({
    ...{ code: Status.FAILED_PRECONDITION, reason: "RECEIPT_KEPT" },
  });
});

test("a receipt says what was bought and paid, to the cent, and runs nothing", () => {
  const page = receiptPage(order);

  expect(page).toContain("<tr><td>Emma</td><td>2</td><td>$12.99</td><td>$25.98</td></tr>");
  expect(page).toContain("$900,719,925,474,099.31");
  expect(page).toContain("Discount: buy two, get one free</td><td>-$12.99</td>");
  expect(page).toContain("Paid</td><td>$900,719,925,474,112.30</td>");
  expect(page).toContain('<time datetime="2026-11-01T09:30:00.000Z">November 1, 2026 at 9:30 AM UTC</time>');
  expect(page).toContain("<td>&#60;script&#62;");
  expect(page).not.toMatch(/<script|<img|<link|javascript:|src=|href=/i);
});

test("a receipt without a discount has no line for it", () => {
  expect(receiptPage({ ...order, discount: undefined, buyTwoGetOneFreePromo: false })).not.toContain("Discount");
});
