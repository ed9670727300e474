import { startEmails } from "../../services/push/testing-emails.ts";
import { orderPlaced } from "../../services/push/testing-events.ts";
import { lastingPort } from "../kill-points/program.ts";
import { startMailServer } from "./smtp.ts";

const HALF_AN_HOUR_MS = 1_800_000;

test("an e-mail gets through to a mail server that is not ours, once it is back", async () => {
  await using server = await startMailServer(await lastingPort());
  await using emails = await startEmails({ url: server.url, publicUrl: "https://books.example" });
  await server.stop();
  await emails.push.events.handle(orderPlaced("a"));
  await emails.look();
  expect(await emails.waiting()).toBe(1);

  await server.start();
  await emails.pass(HALF_AN_HOUR_MS);

  expect(await emails.waiting()).toBe(0);
  const [mail = "", ...others] = server.mails();
  expect(others).toEqual([]);
  const headers = mail.slice(0, mail.indexOf("\n\n"));
  expect(headers).toMatch(/^To: .*<juergen@example\.com>$/m);
  // "Your order is placed", in Chinese.
  expect(headers.match(/^Subject: (.*(?:\n .*)*)/m)?.[1]).toContain(Buffer.from("您的订单").toString("base64").slice(0, 12));
  expect(headers).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click$/m);
  expect(mail).toMatch(/^Content-Type: text\/plain; charset=utf-8$/m);
  expect(mail).toMatch(/^Content-Type: text\/html; charset=utf-8$/m);
}, 60_000);
