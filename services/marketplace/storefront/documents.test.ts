import { createHash } from "node:crypto";
import { documentsClient, uploadClient } from "../../../clients/documents.ts";
import { OrderPlaced } from "../../../gen/bookstore/events/v1/order_events.ts";
import { type Accounts, startAccounts } from "../../../test/support/accounts.ts";
import { type DocumentsServer, startDocuments } from "../../../test/support/documents.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { testUsers } from "../../../test/support/users.ts";
import { formatBytes } from "./format.ts";
import { ADA, openShop } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";

let marketplace: Awaited<ReturnType<typeof startMarketplace>>;
let accounts: Accounts;
let documents: DocumentsServer;
let shop: Awaited<ReturnType<typeof openShop>>;
const programs = testUsers();
beforeAll(async () => {
  marketplace = await startMarketplace();
  accounts = await startAccounts();
  // Users by the shop have tokens of register; those who upload by a program, tokens of the test.
  const verify = async (token: string) => {
    try {
      return await programs.verify(token);
    } catch {
      return accounts.verifyUserToken(token);
    }
  };
  documents = await startDocuments({ users: { ...programs, verify } });
  const { register, sessions, verifyUserToken, now } = accounts;
  const { channel, logger } = documents;
  const client = { ...documentsClient(channel, logger), ...uploadClient(channel, logger) };
  shop = await openShop(marketplace, { register, sessions, verifyUserToken, now, documents: client });
});
afterAll(async () => {
  await shop.close();
  for (const service of [documents, accounts, marketplace]) await service[Symbol.asyncDispose]();
});

let users = 0;
async function reader() {
  const browser = new TestBrowser(shop);
  const email = `ada${users++}@example.com`;
  await browser.post("/register", { ...ADA, email });
  const user = (await accounts.store.list(undefined, 100)).find((one) => one.email === email);
  return { browser, userId: String(user?.id) };
}

/** Uploads as a program does. @returns the path of the document. */
async function upload(userId: string, name: string, text: string): Promise<string> {
  const { client } = documents;
  const metadata = programs.as(userId);
  const data = Buffer.from(text);
  const announced = {
    userId,
    name,
    contentType: "text/plain",
    size: BigInt(data.length),
    sha256: createHash("sha256").update(data).digest("hex"),
  };
  const { upload } = await client.createUpload(announced, { metadata });
  async function* pieces() {
    yield { userId, uploadId: upload?.id ?? "", offset: 0n, data };
  }
  const { document } = await client.uploadChunks(pieces(), { metadata });
  return `/documents/${document?.id}`;
}

async function makeReceipt(userId: string): Promise<void> {
  const data = OrderPlaced.fromPartial({ orderId: `order-of-${userId}`, userId, placeTime: new Date() });
  await documents.events.handle({
    ...{ id: userId, source: "orders", specVersion: "1.0", type: OrderPlaced.$type, subject: `orders/order-of-${userId}` },
    ...{ time: new Date(), position: 1n, traceParent: "", data: Buffer.from(OrderPlaced.encode(data).finish()) },
  });
}

test("lists what a user keeps, and sends it to be kept, not to be shown", async () => {
  const { browser, userId } = await reader();
  expect((await browser.get("/documents")).body).toContain("There are none yet.");
  const path = await upload(userId, "<notes>.txt", "Some notes.");
  await makeReceipt(userId);

  const list = await browser.get("/documents");
  const { statusCode, headers, body } = await browser.get(path);

  expect(list.headers["cache-control"]).toBe("no-store");
  expect(unescaped(list)).toContain("You keep 11 bytes of");
  expect(list.body).not.toContain("<notes>");
  expect(list.body).toContain(`href="/orders/order-of-${userId}"`);
  expect([statusCode, body, headers["cache-control"]]).toEqual([200, "Some notes.", "no-store"]);
  expect(headers["content-disposition"]).toMatch(/^attachment; filename=/);
  expect(headers["content-security-policy"]).toMatch(/^sandbox;/);
});

test("answers for a document of somebody else as for one that is not there", async () => {
  const [ada, bob] = [await reader(), await reader()];
  const path = await upload(ada.userId, "notes.txt", "Some notes.");

  const pages = [
    await bob.browser.get(path),
    await bob.browser.get(`${path}/delete`),
    await bob.browser.get("/documents/none"),
    await bob.browser.get(`/documents/${"x".repeat(37)}`),
  ];
  await bob.browser.post(`${path}/delete`);

  for (const { statusCode, body } of pages)
    expect([statusCode, body.includes("You have no such document.")]).toEqual([404, true]);
  expect((await ada.browser.get(path)).statusCode).toBe(200);
});

test("deletes a document when its owner confirms it, and no receipt", async () => {
  const { browser, userId } = await reader();
  const path = await upload(userId, "notes.txt", "Some notes.");
  await makeReceipt(userId);
  const [, receipt = ""] = /href="(\/documents\/[\w-]+)" dir="auto">Receipt/.exec((await browser.get("/documents")).body) ?? [];

  expect((await browser.get(`${path}/delete`)).body).toContain("is deleted for good");
  const answers = [
    await browser.post(`${path}/delete`),
    await browser.post(`${path}/delete`),
    await browser.post(`${receipt}/delete`),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([303, 303, 409]);
  expect((await browser.get(path)).statusCode).toBe(404);
  expect((await browser.get(receipt)).headers["content-disposition"]).toMatch(/^inline/);
});

test("says that documents takes a break while it is away", async () => {
  const { register, sessions, verifyUserToken } = accounts;
  await using alone = await openShop(marketplace, { register, sessions, verifyUserToken });
  const browser = new TestBrowser(alone);
  await browser.post("/register", { ...ADA, email: "away@example.com" });

  const answers = [await browser.get("/documents"), await browser.get("/documents/x"), await browser.post("/documents/x/delete")];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([503, 503, 503]);
});

test.each([
  [0n, "0 bytes"],
  [1n, "1 byte"],
  [1_500n, "1.5 kB"],
  [5_368_709_120n, "5.4 GB"],
  [90_000_000_000_000n, "90,000 GB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
