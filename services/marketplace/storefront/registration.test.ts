import { ClientError, Status } from "nice-grpc-common";
import { startMarketplace } from "../../../test/support/service.ts";
import { ADA, openShop, startShop } from "./testing.ts";
import { TestBrowser, unescaped } from "./testing-browser.ts";

/** The value of an input of a page. */
function typedInto(name: string, body: string): string | undefined {
  return new RegExp(`<input id="${name}"[^>]* value="([^"]*)"`).exec(body)?.[1];
}

test("shows an empty form whose fields are labelled", async () => {
  await using both = await startShop();
  const browser = both.browser();

  const { statusCode, body } = await browser.get("/register");

  expect(statusCode).toBe(200);
  for (const name of ["name", "email", "password", "language", "country"]) {
    expect(body).toContain(`<label for="${name}">`);
    expect(body).toMatch(new RegExp(`<(input|select) id="${name}" name="${name}"`));
  }
  expect(body).not.toContain('role="alert"');
});

test("makes an account, signs its user in at once and sends the browser on to the welcome page", async () => {
  await using both = await startShop();
  const browser = both.browser();

  const { statusCode, headers } = await browser.post("/register", ADA);

  expect([statusCode, headers.location]).toEqual([303, "/welcome"]);
  const { body } = await browser.get("/welcome");
  expect(body).toContain("Your account is ready.");
  expect(body).toContain('<a class="name" href="/account"><span class="hidden">Your account: </span>Ada</a>');
  const { password: _, ...profile } = ADA;
  expect(await both.accounts.store.list(undefined, 10)).toMatchObject([profile]);
});

test("says beside each field what is wrong with it, and keeps what was typed", async () => {
  await using both = await startShop();
  const browser = both.browser();
  const typed = { ...ADA, name: " ", email: "ada at example", password: "short" };

  const { statusCode, body } = await browser.post("/register", { ...typed, country: "x".repeat(61), name: "n".repeat(101) });

  expect(statusCode).toBe(422);
  expect(body).toContain('<p role="alert">Please look at the marked fields.</p>');
  expect(body).toContain('<li><a href="#email">E-mail must be an e-mail address</a></li>');
  expect(body).toContain("<title>Problem: Register · Bookmesh</title>");
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
  expect(await both.accounts.store.list(undefined, 10)).toEqual([]);
});

test("asks for what is missing when the form is empty", async () => {
  await using both = await startShop();
  const browser = both.browser();

  const { statusCode, body } = await browser.post("/register", {});

  expect(statusCode).toBe(422);
  expect(body).toContain("E-mail is required.");
  expect(body).toContain("Name is required.");
  expect(body).toContain("Password must be at least 8 characters long.");
});

test("says that an address has an account already, and not whose", async () => {
  await using both = await startShop();
  const browser = both.browser();
  const { user } = await both.accounts.register.register({ ...ADA, name: "The first" });

  const { statusCode, body } = await browser.post("/register", { ...ADA, email: "ADA@example.com" });

  expect(statusCode).toBe(409);
  expect(body).toContain('<p class="problem" id="email-problem">E-mail has an account already.</p>');
  expect([typedInto("name", body), typedInto("email", body)]).toEqual(["Ada", "ADA@example.com"]);
  expect(body).not.toContain("The first");
  expect(body).not.toContain(user?.id);
});

test("keeps what was typed when register is down", async () => {
  await using both = await startShop();
  const browser = both.browser();
  both.accounts.stop();

  const { statusCode, body } = await browser.post("/register", ADA);

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
  await using both = await startShop();
  const browser = both.browser();
  const answers = [
    await browser.post("/register", ADA),
    await browser.post("/register", ADA),
    await browser.post("/register", { ...ADA, email: "" }),
    await browser.post("/register", { ...ADA, password: "horse" }),
    await browser.post("/register", { ...ADA, password: "horse".repeat(300) }),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([303, 409, 422, 422, 400]);
  const everything = JSON.stringify(answers.map(({ body, headers }) => [body, headers])) + both.logs();
  expect(everything).toContain("page served");
  expect(everything).not.toContain("horse");
});

test("passes on the fields of the form, from where it comes, and nothing else that a form may hold", async () => {
  await using marketplace = await startMarketplace();
  const handed: object[] = [];
  const register = { register: async (request: object) => ({ user: void handed.push(request) }) };
  await using shop = await openShop(marketplace, { register });

  await new TestBrowser(shop).post("/register", { ...ADA, createTime: "1970-01-01", role: "admin", clientAddress: "192.0.2.9" });

  expect(handed).toEqual([{ ...ADA, clientAddress: "127.0.0.1" }]);
});

test("goes back to where the visitor came from", async () => {
  await using both = await startShop();
  const browser = both.browser();
  const page = unescaped(await browser.get("/register?next=%2Fbooks%3Fpage%3D2"));
  expect(page).toContain('<input type="hidden" name="next" value="/books?page=2">');
  expect(page).toContain('<a href="/sign-in?next=%2Fbooks%3Fpage%3D2">');

  const { headers } = await browser.post("/register", { ...ADA, next: "/books?page=2" });

  expect(headers.location).toBe("/books?page=2");
});

test("says how to sign in when the account is made but its session does not begin", async () => {
  await using marketplace = await startMarketplace();
  const busy = new ClientError("/x/SignIn", Status.RESOURCE_EXHAUSTED, "too many wait");
  await using shop = await openShop(marketplace, { sessions: { signIn: () => Promise.reject(busy) } });
  const browser = new TestBrowser(shop);

  const { statusCode, headers } = await browser.post("/register", { ...ADA, next: "/books" });

  expect([statusCode, headers.location, headers["set-cookie"]]).toEqual([303, "/welcome", undefined]);
  expect((await browser.get("/welcome")).body).toContain('Your account is ready. <a href="/sign-in">Sign in</a>');
});
