import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";
import { documentsClient, uploadClient } from "../../../clients/documents.ts";
import { type Accounts, startAccounts } from "../../../test/support/accounts.ts";
import { type DocumentsOptions, type DocumentsServer, startDocuments } from "../../../test/support/documents.ts";
import { startMarketplace } from "../../../test/support/service.ts";
import { ADA, openShop } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";
import { usersOf } from "./testing-services.ts";

const MIB = 1_048_576;
const LARGEST = 6 * MIB;
const QUOTA = 8 * MIB;
const FORM = { "sec-fetch-site": "same-origin" };

let marketplace: Awaited<ReturnType<typeof startMarketplace>>;
let accounts: Accounts;
let documents: DocumentsServer;
let shop: FastifyInstance;
beforeAll(async () => {
  marketplace = await startMarketplace();
  accounts = await startAccounts();
  documents = await startDocuments({ users: usersOf(accounts), maxDocumentBytes: LARGEST, userQuotaBytes: QUOTA });
  shop = await listening(documents);
});
afterAll(async () => {
  await shop.close();
  for (const service of [documents, accounts, marketplace]) await service[Symbol.asyncDispose]();
});

/** The shop, for browsers that send over a network. */
async function listening({ channel, logger }: Pick<DocumentsServer, "channel" | "logger">): Promise<FastifyInstance> {
  const { register, sessions, verifyUserToken, now } = accounts;
  const clients = { ...documentsClient(channel, logger), ...uploadClient(channel, logger) };
  const opened = await openShop(marketplace, { register, sessions, verifyUserToken, now, documents: clients });
  await opened.listen({ host: "127.0.0.1", port: 0 });
  return opened;
}

let users = 0;
async function reader(of = shop): Promise<TestBrowser> {
  const browser = new TestBrowser(of);
  await browser.post("/register", { ...ADA, email: `ada${users++}@example.com` });
  return browser;
}

const someText = (length: number) => Buffer.alloc(length, "Some notes. ");
const urlOf = ({ server }: FastifyInstance) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/documents`;
const cookiesOf = ({ cookies }: TestBrowser) => [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");

function formWith(name: string, bytes: Buffer, type = "text/plain"): FormData {
  const form = new FormData();
  form.set("file", new File([bytes as Buffer<ArrayBuffer>], name, { type }));
  return form;
}

/** Sends a form over the network, as a browser does. */
async function send(browser: TestBrowser, form: FormData, headers: Record<string, string> = {}, of = shop) {
  const init = { method: "POST", body: form, headers: { ...FORM, cookie: cookiesOf(browser), ...headers } } as const;
  const answer = await fetch(urlOf(of), { ...init, redirect: "manual" });
  return { statusCode: answer.status, headers: answer.headers, body: await answer.text() };
}

/** Begins to send a form of one text, as much of which as the test wants. */
function slowly(browser: TestBrowser, length: number, of = shop): { sending: ClientRequest; tail: string } {
  const head = '--x\r\ncontent-disposition: form-data; name="file"; filename="notes.txt"\r\n\r\n';
  const tail = "\r\n--x--\r\n";
  const headers = {
    ...{ ...FORM, cookie: cookiesOf(browser), "content-type": "multipart/form-data; boundary=x" },
    "content-length": head.length + length + tail.length,
  };
  const sending = request(urlOf(of), { method: "POST", headers, agent: false });
  sending.on("error", () => {});
  sending.write(head);
  return { sending, tail };
}

/** Waits until another file of an upload is there. */
async function begun(action: () => void): Promise<void> {
  const before = (await documents.files()).length;
  action();
  while ((await documents.files()).length <= before) await new Promise(setImmediate);
}

async function expectNothingOf(browser: TestBrowser): Promise<void> {
  const list = unescaped(await browser.get("/documents"));
  expect(list).toContain("You keep 0 bytes of 8.4 MB");
  expect(list).toContain("There are none yet.");
}

test("says what may be uploaded, how large it may be, and what room is left", async () => {
  const { body } = await (await reader()).get("/documents");

  expect(body).toContain('<form class="form" method="post" action="/documents" enctype="multipart/form-data" novalidate>');
  expect(body).toContain('<label for="file">File</label>');
  expect(body).toMatch(/<input id="file" name="file" type="file" accept="application\/pdf,\.pdf,[^"]*" required aria-desc/);
  expect(body).toContain("PDF, EPUB, ZIP, PNG, JPEG or plain text, up to 6.3 MB. You have room for 8.4 MB.");
});

test("a file of some MiB comes back as it was uploaded", async () => {
  const browser = await reader();
  const bytes = Buffer.concat([Buffer.from("%PDF-1.7\n"), randomBytes(5 * MIB)]);

  const { statusCode, headers } = await send(browser, formWith("book.pdf", bytes, "application/octet-stream"));

  expect([statusCode, headers.get("location")]).toEqual([303, "/documents?done=uploaded"]);
  const { body } = await browser.get("/documents?done=uploaded");
  expect(body).toContain('<p class="done" role="status">Your document is there.</p>');
  expect(body).toContain("You keep 5.2 MB of 8.4 MB here.");
  const [, path = ""] = /href="(\/documents\/[\w-]+)" dir="auto">book\.pdf</.exec(body) ?? [];
  const download = await browser.get(path);
  expect(download.headers["content-type"]).toBe("application/pdf");
  expect(download.rawPayload.equals(bytes)).toBe(true);
});

test.each([
  ["Ἀλίκη & 爱丽丝 🐇.txt", "Ἀλίκη & 爱丽丝 🐇.txt"],
  ["_img src=x onerror=canary()_.txt", "<img src=x onerror=canary()>.txt"],
  ["txt.exe.txt", "\u202Etxt.\u2066exe\u0007.txt"],
  ["say _hi_ 100%.txt", 'say "hi" 100%.txt'],
  ["مذكرات.txt", "مذكرات.txt"],
])("shows the name %s as text, without what a browser could take for more", async (shown, name) => {
  const browser = await reader();

  await send(browser, formWith(name, Buffer.from("Some notes.")));

  const list = await browser.get("/documents");
  expect(unescaped(list).replaceAll("&amp;", "&")).toContain(`dir="auto">${shown}</a>`);
  expect(list.body).not.toMatch(/<img|[\u202A-\u202E\u2066-\u2069]/);
});

const EMPTY = Buffer.alloc(0);
const HELLO = Buffer.from("Hello.");
test.each<[string, FormData, number, string]>([
  ["nothing chosen", formWith("", EMPTY, "application/octet-stream"), 422, "File has to be chosen first."],
  ["no file at all", new FormData(), 422, "File has to be chosen first."],
  ["an empty file", formWith("empty.txt", EMPTY), 422, "File is empty."],
  ["a type that is not taken", formWith("page.html", HELLO, "text/html"), 422, "File is of a type that is not taken."],
  [
    "something else than its name says",
    formWith("a.pdf", someText(MIB), "application/pdf"),
    422,
    "File is damaged, or not of the",
  ],
  ["a name with no letter", formWith("...", HELLO), 422, "File has a name that cannot be kept"],
  ["an endless name", formWith(`${"x".repeat(2_000)}.txt`, HELLO), 422, "File has a name that cannot be kept"],
  ["a file that is too large", formWith("a.txt", someText(LARGEST + 1)), 413, "File is larger than 6.3 MB."],
])("refuses %s, says so at the form, and keeps nothing", async (_what, form, status, sentence) => {
  const browser = await reader();

  const { statusCode, body } = await send(browser, form);

  expect([statusCode, body.match(/<title>Problem: Your documents/) !== null]).toEqual([status, true]);
  expect(body).toContain(`id="file-problem">${sentence}`);
  expect(body).toContain('aria-invalid="true" aria-describedby="file-hint file-problem"');
  await expectNothingOf(browser);
});

test("refuses what does not fit into the room that is left", async () => {
  const browser = await reader();
  await send(browser, formWith("first.txt", someText(5 * MIB)));

  const { statusCode, body } = await send(browser, formWith("second.txt", someText(4 * MIB)));

  expect([statusCode, body.includes("File is larger than the room that you have left.")]).toEqual([409, true]);
  expect(body).toContain("You have room for 3.1 MB.");
  expect((await browser.get("/documents")).body).not.toContain("second.txt");
});

test("keeps nothing of a file whose connection breaks", async () => {
  const browser = await reader();
  const files = await documents.files();
  const { sending } = slowly(browser, 2 * MIB);
  await begun(() => sending.write(someText(MIB)));

  sending.destroy();

  while ((await documents.files()).length > files.length) await new Promise(setImmediate);
  await expectNothingOf(browser);
});

test("keeps nothing of a form that ends in the middle of its file", async () => {
  const browser = await reader();
  const { sending } = slowly(browser, 1_000);
  sending.end(someText(1_000 + "\r\n--x--\r\n".length));

  const [answer] = (await once(sending, "response")) as [IncomingMessage];

  expect([answer.statusCode, (await text(answer)).includes("The file did not arrive whole.")]).toEqual([400, true]);
  await expectNothingOf(browser);
});

test("takes a file for longer than a page may take, one of a user at a time", async () => {
  const browser = await reader();
  const bytes = someText(2 * MIB);
  const connection = once(shop.server, "connection") as Promise<[Socket]>;
  const { sending, tail } = slowly(browser, bytes.length);
  await begun(() => sending.write(bytes.subarray(0, MIB)));
  const timeout = Object.assign(new Error("Request timeout"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
  shop.server.emit("clientError", timeout, (await connection)[0]);

  const other = await send(browser, formWith("other.txt", HELLO));
  sending.end(Buffer.concat([bytes.subarray(MIB), Buffer.from(tail)]));
  const [answer] = (await once(sending, "response")) as [IncomingMessage];

  expect([other.statusCode, other.body.includes("Another file is on its way.")]).toEqual([429, true]);
  expect(answer.statusCode).toBe(303);
  expect((await browser.get("/documents")).body).toContain("You keep 2.1 MB of");
  expect((await send(browser, formWith("other.txt", HELLO))).statusCode).toBe(303);
});

test("takes nothing but the file of a form", async () => {
  const browser = await reader();
  const before = new FormData();
  before.set("user_id", "somebody else");
  before.set("file", formWith("hello.txt", HELLO).get("file") as File);
  const two = formWith("first.txt", HELLO);
  two.append("file", formWith("second.txt", HELLO).get("file") as File);

  expect((await send(browser, before)).statusCode).toBe(400);
  await expectNothingOf(browser);
  expect((await send(browser, two)).statusCode).toBe(303);
  expect((await browser.get("/documents")).body).not.toContain("second.txt");
});

test("refuses what says not how long it is, and what is no form with a file", async () => {
  const browser = await reader();
  const headers = { ...FORM, cookie: cookiesOf(browser), "content-type": "multipart/form-data; boundary=x" };
  const endless = request(urlOf(shop), { method: "POST", headers });
  endless.write("--x");
  endless.end("--");
  const [answer] = (await once(endless, "response")) as [IncomingMessage];
  answer.resume();

  expect(answer.statusCode).toBe(411);
  expect((await browser.post("/documents", { file: "x" })).statusCode).toBe(415);
  expect((await browser.post("/documents/x/delete", {}, { "content-type": "multipart/form-data" })).statusCode).toBe(415);
});

test("takes no file that another site sends, and none of a guest", async () => {
  const browser = await reader();

  const foreign = await send(browser, formWith("a.txt", HELLO), { "sec-fetch-site": "cross-site" });
  const guest = await send(new TestBrowser(shop), formWith("a.txt", HELLO), { referer: urlOf(shop) });

  expect([foreign.statusCode, foreign.body.includes("sent from another site")]).toEqual([403, true]);
  expect([guest.statusCode, guest.headers.get("location")]).toEqual([303, "/sign-in?next=%2Fdocuments"]);
  await expectNothingOf(browser);
});

test("while documents is away says so, and what else is wrong with a form", async () => {
  const { register, sessions, verifyUserToken } = accounts;
  await using alone = await openShop(marketplace, { register, sessions, verifyUserToken });
  await alone.listen({ host: "127.0.0.1", port: 0 });

  const browser = await reader(alone);

  const away = await send(browser, formWith("a.txt", someText(4 * MIB)), {}, alone);
  const wrong = await send(browser, formWith("a.txt", EMPTY), {}, alone);

  expect([away.statusCode, away.body.includes("Documents are taking a break")]).toEqual([503, true]);
  expect([wrong.statusCode, wrong.body.includes("<p>File is empty.</p>")]).toEqual([422, true]);
});

test("reads no more of a file than documents takes", async () => {
  const full = Promise.withResolvers<never>();
  const blobs: DocumentsOptions["blobs"] = {
    begin: async () => ({ length: 0, state: "begun" }),
    resume: async (_id, draft) => ({
      ...{ write: () => full.promise, flush: async () => draft },
      ...{ finish: async () => {}, close: async () => {} },
    }),
    async *read() {},
    ...{ remove: async () => {}, check: async () => {} },
  };
  await using still = await startDocuments({ users: usersOf(accounts), blobs });
  await using shopOfIt = await listening(still);
  const browser = await reader(shopOfIt);
  const connection = once(shopOfIt.server, "connection") as Promise<[Socket]>;
  const { sending } = slowly(browser, 64 * MIB, shopOfIt);
  sending.write(Buffer.alloc(64 * MIB, "a"));
  const [socket] = await connection;

  for (let before = -1; before !== socket.bytesRead; ) {
    before = socket.bytesRead;
    for (let i = 0; i < 20; i++) await browser.get("/documents");
  }

  expect(socket.bytesRead).toBeGreaterThan(65_536);
  expect(socket.bytesRead).toBeLessThan(5 * MIB);
  sending.destroy();
  full.reject(new Error("the disk is gone"));
});
