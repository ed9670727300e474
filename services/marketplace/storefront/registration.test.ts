import type { FastifyInstance } from "fastify";
import { registerClient } from "../../../clients/register.ts";
import { openPlaintextChannel } from "../../../test/support/plaintext.ts";
import { startMarketplace, startRegister } from "../../../test/support/service.ts";
import { openShop } from "./testing.ts";

const ADA = { name: "Ada", email: "ada@example.com", password: "correct horse", language: "de", country: "Österreich" };

/** The shop with the real register service behind it. */
async function startBoth() {
  await using stack = new AsyncDisposableStack();
  const marketplace = stack.use(await startMarketplace());
  const register = stack.use(await startRegister());
  const shop = stack.use(await openShop(marketplace, { register: register.client }));
  const owned = stack.move();
  return { shop, register, marketplace, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function post(shop: FastifyInstance, fields: Record<string, string>) {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return shop.inject({ method: "POST", url: "/register", headers, payload: new URLSearchParams(fields).toString() });
}

/** The value of an input of a page. */
function typedInto(name: string, body: string): string | undefined {
  return new RegExp(`<input id="${name}"[^>]* value="([^"]*)"`).exec(body)?.[1];
}

test("shows an empty form whose fields are labelled", async () => {
  await using both = await startBoth();

  const { statusCode, body } = await both.shop.inject("/register");

  expect(statusCode).toBe(200);
  for (const name of ["name", "email", "password", "language", "country"]) {
    expect(body).toContain(`<label for="${name}">`);
    expect(body).toMatch(new RegExp(`<(input|select) id="${name}" name="${name}"`));
  }
  expect(body).not.toContain('role="alert"');
});

test("makes an account and sends the browser on to the welcome page", async () => {
  await using both = await startBoth();

  const { statusCode, headers } = await post(both.shop, ADA);

  expect([statusCode, headers.location]).toEqual([303, "/welcome"]);
  expect((await both.shop.inject("/welcome")).body).toContain("Your account is ready.");
  const { password: _, ...profile } = ADA;
  expect((await both.register.client.listUsers({})).users).toMatchObject([profile]);
});

test("says beside each field what is wrong with it, and keeps what was typed", async () => {
  await using both = await startBoth();
  const typed = { ...ADA, name: " ", email: "ada at example", password: "short" };

  const { statusCode, body } = await post(both.shop, { ...typed, country: "x".repeat(61), name: "n".repeat(101) });

  expect(statusCode).toBe(422);
  expect(body).toContain('<p class="alert" role="alert">Please look at the marked fields.</p>');
  expect(body).toContain('<p class="problem" id="email-problem">E-mail must be an e-mail address.</p>');
  expect(body).toContain('<p class="problem" id="name-problem">Name must be at most 100 characters long.</p>');
  expect(body).toContain('<p class="problem" id="password-problem">Password must be at least 8 characters long.</p>');
  expect(body).toContain('<p class="problem" id="country-problem">Country must be at most 60 characters long.</p>');
  expect(body).toMatch(/<input id="email"[^>]* aria-invalid="true" aria-describedby="email-problem">/);
  expect([typedInto("name", body), typedInto("email", body), typedInto("country", body)]).toEqual([
    "n".repeat(101),
    "ada at example",
    "x".repeat(61),
  ]);
  expect(body).toContain('<option value="de" lang="de" selected>');
  expect((await both.register.client.listUsers({})).users).toEqual([]);
});

test("asks for what is missing when the form is empty", async () => {
  await using both = await startBoth();

  const { statusCode, body } = await post(both.shop, {});

  expect(statusCode).toBe(422);
  expect(body).toContain("E-mail is required.");
  expect(body).toContain("Name is required.");
  expect(body).toContain("Password must be at least 8 characters long.");
});

test("says that an address has an account already, and not whose", async () => {
  await using both = await startBoth();
  const { user } = await both.register.client.register({ ...ADA, name: "The first" });

  const { statusCode, body } = await post(both.shop, { ...ADA, email: "ADA@example.com" });

  expect(statusCode).toBe(409);
  expect(body).toContain('<p class="problem" id="email-problem">E-mail has an account already.</p>');
  expect([typedInto("name", body), typedInto("email", body)]).toEqual(["Ada", "ADA@example.com"]);
  expect(body).not.toContain("The first");
  expect(body).not.toContain(user?.id);
});

test("keeps what was typed when register is down", async () => {
  const { address, ...gone } = await startRegister();
  await gone[Symbol.asyncDispose]();
  await using marketplace = await startMarketplace();
  const channel = openPlaintextChannel(address);
  await using shop = await openShop(marketplace, { register: registerClient(channel, marketplace.logger) });

  const { statusCode, body } = await post(shop, ADA);

  channel.close();
  expect(statusCode).toBe(503);
  expect(body).toContain("Accounts cannot be made just now. Please try again in a minute.");
  expect([typedInto("name", body), typedInto("email", body), typedInto("country", body)]).toEqual([
    ADA.name,
    ADA.email,
    ADA.country,
  ]);
  expect(body).not.toContain(ADA.password);
});

test("sends the password back on no page and writes it to no log", async () => {
  await using both = await startBoth();
  const answers = [
    await post(both.shop, ADA),
    await post(both.shop, ADA),
    await post(both.shop, { ...ADA, email: "" }),
    await post(both.shop, { ...ADA, password: "horse" }),
    await post(both.shop, { ...ADA, password: "horse".repeat(300) }),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([303, 409, 422, 422, 400]);
  const everything = [answers.map(({ body, headers }) => [body, headers]), both.marketplace.logs.all, both.register.logs.all];
  expect(JSON.stringify(everything)).toContain("page served");
  expect(JSON.stringify(everything)).not.toContain("horse");
});

test("passes on the fields of the form and nothing else that a form may hold", async () => {
  await using marketplace = await startMarketplace();
  const handed: object[] = [];
  const register = { register: async (request: object) => ({ user: void handed.push(request) }) };
  await using shop = await openShop(marketplace, { register });

  await post(shop, { ...ADA, createTime: "1970-01-01", role: "admin" });

  expect(handed).toEqual([ADA]);
});
