import { foreignCertificate } from "../../test/support/foreign-certificates.ts";
import { JUERGEN, plain, startEmails } from "./testing-emails.ts";
import { orderPlaced, promotionReminded } from "./testing-events.ts";
import { type MailServerOptions, startMailServer } from "./testing-smtp.ts";

test("an e-mail in Chinese arrives as it was written, with umlauts in the names and in both of its forms", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server), publicUrl: "https://books.example/shop" });

  await emails.push.events.handle(orderPlaced("a"));
  await emails.look();

  const [mail] = server.mails;
  expect(server.mails).toHaveLength(1);
  expect(mail).toMatchObject({ from: "shop@books.example", to: [JUERGEN.email] });
  expect(Object.fromEntries(mail?.headers ?? [])).toMatchObject({
    subject: "您的订单已提交",
    from: "Bücher & Co. <shop@books.example>",
    to: "Jürgen Größe <juergen@example.com>",
    "message-id": expect.stringMatching(/^<[0-9a-f-]{36}@books\.example>$/),
    "content-language": "zh",
    "auto-submitted": "auto-generated",
    date: "Sat, 21 Nov 2026 12:00:00 +0000",
  });
  const content = "谢谢惠顾！您于2026年11月21日订购了2本书：《Dune》。我们已收到您支付的US$19.98。";
  const text = mail?.parts.get("text/plain");
  expect(text).toContain("Jürgen Größe，您好：");
  expect(text).toContain(content);
  expect(text).toContain("在书店中查看: https://books.example/shop/notifications\n");
  const html = mail?.parts.get("text/html");
  expect(html).toContain('<html lang="zh">');
  expect(html).toContain(`<p>${content}</p>`);
  expect(await emails.waiting()).toBe(0);
  expect(await emails.outcomes()).toEqual({ sent: 1 });
});

test("an e-mail says how to stop those of its kind, with one click", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server), publicUrl: "https://books.example" });
  await emails.push.events.handle(promotionReminded("a"));
  await emails.look();

  const headers = server.mails[0]?.headers;
  expect(headers?.get("list-unsubscribe-post")).toBe("List-Unsubscribe=One-Click");
  const link = new URL(/^<(.*)>$/.exec(headers?.get("list-unsubscribe") ?? "")?.[1] ?? "");
  expect(link.origin + link.pathname).toBe("https://books.example/notifications/unsubscribe");
  const token = link.searchParams.get("token") ?? "";
  await emails.push.client.unsubscribe({ token, kind: Number(link.searchParams.get("kind")) as never });

  await emails.push.events.handle(promotionReminded("a"));
  await emails.push.events.handle(orderPlaced("a"));
  await emails.look();

  expect(server.mails.map(({ headers }) => headers.get("subject"))).toEqual(["买二赠一", "您的订单已提交"]);
});

test("without a shop on the web an e-mail has no links, and unsubscribes by e-mail", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });

  await emails.push.client.push({ userId: "a", content: "Hello\n<b>you</b>" });
  await emails.look();

  const [mail] = server.mails;
  expect(mail?.headers.get("list-unsubscribe")).toBe("<mailto:shop@books.example?subject=unsubscribe>");
  expect(mail?.headers.get("subject")).toBe("来自书店的消息");
  expect(mail?.raw).not.toContain("http");
  expect(mail?.parts.get("text/html")).toContain("<p>Hello</p><p>&#60;b&#62;you&#60;/b&#62;</p>");
});

test("an e-mail says in which language the message is, where the words around it are in another", async () => {
  await using server = await startMailServer();
  const addressee = { ...JUERGEN, language: "pt-BR", country: "BR" };
  await using emails = await startEmails({ url: plain(server), addressee });

  await emails.push.client.push({ userId: "a", content: "Hello", translations: new Map([["pt-BR", "Olá"]]) });
  await emails.push.client.push({ userId: "a", content: "Hello", translations: new Map([["de", "Hallo"]]) });
  await emails.look();

  const said = server.mails.map(({ headers, parts }) => {
    const html = parts.get("text/html") ?? "";
    const around = /<html lang="([^"]*)">/.exec(html)?.[1];
    return { header: headers.get("content-language"), around, message: /<div lang=.*<\/div>/.exec(html)?.[0] };
  });
  expect(said).toHaveLength(2);
  expect(said).toEqual(
    expect.arrayContaining([
      { header: "pt-BR", around: "en", message: '<div lang="pt-BR"><p>Olá</p></div>' },
      // Nobody said in which language the text for everybody else is.
      { header: undefined, around: "en", message: '<div lang=""><p>Hello</p></div>' },
    ]),
  );
});

test("no name and no title begins another header, and no address another e-mail", async () => {
  await using server = await startMailServer();
  const name = 'Eve\r\nBcc: all@example.com\u2028X: y" <b@example.com>,';
  await using emails = await startEmails({ url: plain(server), addressee: { ...JUERGEN, name, language: "en" } });

  await emails.push.events.handle(
    orderPlaced("a", { books: [{ bookId: 1, title: "A\r\nBcc: b@example.com", quantity: 1, unitPrice: undefined }] }),
  );
  await emails.look();

  const [mail] = server.mails;
  expect(mail?.to).toEqual([JUERGEN.email]);
  expect([...(mail?.headers.keys() ?? [])].sort()).toEqual([
    "auto-submitted",
    "content-language",
    "content-type",
    "date",
    "from",
    "list-unsubscribe",
    "message-id",
    "mime-version",
    "subject",
    "to",
  ]);
  expect(mail?.headers.get("to")).toMatch(/ <juergen@example\.com>$/);
});

test.each([
  "a@example.com, b@example.com",
  "a@example.com\r\nRCPT TO:<b@example.com>",
  "a@example.com> BODY=8BITMIME <b@x",
  "",
  "@",
  "a b@example.com",
])("an address that is none gets no e-mail: %j", async (email) => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server), addressee: { ...JUERGEN, email } });
  await emails.push.events.handle(orderPlaced("a"));

  await emails.look();

  expect(server.mails).toEqual([]);
  expect(await emails.waiting()).toBe(0);
  expect(await emails.outcomes()).toEqual({ refused: 1 });
});

test("no address, name or text is in the log, whatever the server says", async () => {
  await using server = await startMailServer();
  await using emails = await startEmails({ url: plain(server) });
  server.refusals.address.push("550 <juergen@example.com>: unknown", "451 <juergen@example.com>: Jürgen is out");
  for (let i = 0; i < 3; i++) await emails.push.client.push({ userId: "a", content: "The stork has landed" });

  await emails.look();

  const everything = JSON.stringify([...emails.logs.all, ...emails.push.logs.all]);
  expect(everything).toContain("given up");
  expect(everything).not.toMatch(/juergen|Jürgen|stork/);
});

async function certificate(): Promise<{ key: string; cert: string; options: MailServerOptions }> {
  const { certificatePem: cert, keyPem: key } = await foreignCertificate({ subject: "localhost" });
  return { key, cert, options: { certificate: { key, cert } } };
}

test("goes over to TLS before it says who it is", async () => {
  const { cert, options } = await certificate();
  await using server = await startMailServer({ ...options, user: { name: "shop@books.example", password: "p@ss:w/rd" } });
  const user = `${encodeURIComponent("shop@books.example")}:${encodeURIComponent("p@ss:w/rd")}`;
  await using emails = await startEmails({ url: `smtp://${user}@localhost:${server.port}`, ca: cert });
  await emails.push.events.handle(orderPlaced("a"));

  await emails.look();

  expect(server.sessions).toEqual([{ secure: true, user: "shop@books.example" }]);
});

test("sends nothing to a server without TLS, to one whom nobody vouches for, or where the password is wrong", async () => {
  const { cert, options } = await certificate();
  await using bare = await startMailServer();
  await using other = await startMailServer({ ...options, user: { name: "shop", password: "right" } });
  const urls = [
    { url: `smtp://localhost:${bare.port}` },
    { url: `smtp://localhost:${other.port}` },
    { url: `smtp://shop:wrong@localhost:${other.port}`, ca: cert },
  ];
  for (const where of urls) {
    await using emails = await startEmails(where);
    await emails.push.events.handle(orderPlaced("a"));

    await emails.look();

    expect(await emails.outcomes()).toEqual({ away: 1 });
    expect(await emails.waiting()).toBe(1);
    expect(JSON.stringify(emails.logs.all)).not.toContain("wrong");
  }
  expect([...bare.mails, ...other.mails]).toEqual([]);
});
