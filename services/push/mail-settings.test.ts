import { parseConfig } from "../../runtime/config.ts";
import { configSchema } from "./config.ts";
import { readMailbox } from "./mail.ts";
import { readSmtpUrl } from "./smtp-url.ts";

const STARTTLS = { implicitTls: false, plaintext: false, user: undefined, password: undefined };

test.each([
  ["smtp://mail.example", { ...STARTTLS, host: "mail.example", port: 587 }],
  ["smtp://mail.example:25", { ...STARTTLS, host: "mail.example", port: 25 }],
  ["smtp://[::1]:2525?tls=never", { ...STARTTLS, host: "::1", port: 2525, plaintext: true }],
  [
    "smtps://a%40b:p%3Aq@mail.example",
    { host: "mail.example", port: 465, implicitTls: true, plaintext: false, user: "a@b", password: "p:q" },
  ],
])("reads %s", (url, expected) => {
  expect(readSmtpUrl(url)).toEqual(expected);
});

test.each([
  "mail.example",
  "http://mail.example",
  "smtp://",
  "smtp://mail.example?tls=maybe",
  "smtp://mail.example?ignoreTLS=true",
  "smtp://user:secret@mail.example?tls=never",
  "smtps://mail.example?tls=never",
  "smtp://user@mail.example",
])("refuses %s, and does not repeat it", (url) => {
  expect(readSmtpUrl(url)).toEqual(expect.stringMatching(/^Expected/));
  expect(readSmtpUrl(url)).not.toContain("secret");
});

test.each([
  ["shop@books.example", { name: "", address: "shop@books.example" }],
  ["Bücher & Co. <shop@books.example>", { name: "Bücher & Co.", address: "shop@books.example" }],
  ['"The Shop" <shop@books.example>', { name: "The Shop", address: "shop@books.example" }],
  ["shop", undefined],
  ["a@b, c@d", undefined],
  ["<a@b> <c@d>", undefined],
])("reads the sender %j", (text, expected) => {
  expect(readMailbox(text)).toEqual(expected);
});

test("wants a sender where there is a mail server", () => {
  expect(() => parseConfig(configSchema, { SMTP_URL: "smtp://mail.example" })).toThrow("MAIL_FROM: Expected an address");
  expect(() => parseConfig(configSchema, { SMTP_URL: "smtp://u:secret@mail.example?tls=no", MAIL_FROM: "nobody" })).toThrow(
    /SMTP_URL: Expected no parameter[\s\S]*MAIL_FROM: Expected an address/,
  );
  const { smtpUrl, mailFrom } = parseConfig(configSchema, { SMTP_URL: "smtp://mail.example", MAIL_FROM: "a@b.example" });
  expect([smtpUrl?.host, mailFrom?.address]).toEqual(["mail.example", "a@b.example"]);
  expect(parseConfig(configSchema, {}).smtpUrl).toBeUndefined();
});
