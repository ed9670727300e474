import { randomUUID } from "node:crypto";
import type { Canaries } from "./canaries.ts";
import type { Belongings } from "./canary-belongings.ts";
import type { SignedIn } from "./canary-calls.ts";

/** What a page or a program's interface answered. */
export interface PageAnswer {
  /** As in "POST /register". */
  readonly asked: string;
  readonly status: number;
  /** Headers, but for cookies, and body. */
  readonly text: string;
  /** Whether somebody asked who is signed in. */
  readonly signedIn: boolean;
}

const FORM = "application/x-www-form-urlencoded";

type Plant = (what: string, sensitive?: boolean) => string;

/** Everything that a form of the shop, or a body in JSON, could have. */
function fieldsOf(plant: Plant): Record<string, string> {
  const secret = ["password", "currentPassword", "newPassword", "token", "email", "username", "payment", "text", "content"];
  const open = [
    ...["name", "language", "country", "next", "q", "no-such-field", "health_check_url", "clientAddress", "bookId"],
    ...["quantity", "rating", "key", "currency", "minorUnits", "ids", "page", "answer", "from", "to", "timeZone", "kind"],
  ];
  const fields = [...secret.map((name) => [name, true] as const), ...open.map((name) => [name, false] as const)];
  const planted = fields.map(([name, sensitive]) => [name, plant(`${name} in a body`, sensitive)]);
  const values: Record<string, string> = Object.fromEntries(planted);
  const email = `${values.email}@shop.example`;
  return { ...values, email, url: `http://${plant("a user in a URL", true)}:${plant("a password in a URL", true)}@192.0.2.1` };
}

/** Where a browser of somebody who has these finds pages, and where it sends forms. */
function addressesOf({ orderId, review, commentId, documentId }: Belongings): { pages: string[]; forms: string[] } {
  const [order, onReview] = [`/orders/${orderId}`, `/books/${review.bookId}/reviews/${review.id}`];
  const comment = `${onReview}/comments/${commentId}`;
  return {
    pages: [
      ...["/", "/books", "/books/1", "/categories/mystery", "/search", "/covers/1.svg", "/welcome", "/goodbye", "/cart"],
      ...["/orders", order, `${order}/receipt`, "/books/1/sample", "/notifications", "/documents"],
      ...[`/documents/${documentId}`, "/no-such-page"],
    ],
    forms: [
      ...["/register", "/sign-in", "/account", "/account/password", "/account/delete"],
      ...["/cart/items", "/cart/items/1", "/cart/items/1/remove", "/checkout", `${order}/cancel`],
      ...["/books/1/review", "/books/1/review/delete", onReview, comment, `${comment}/delete`],
      ...["/notifications/read", "/notifications/preferences", "/notifications/unsubscribe"],
      ...[`/documents/${documentId}/delete`, "/sign-out"],
    ],
  };
}

function cookieOf({ cookies }: { cookies: readonly string[] }): string {
  return cookies.map((cookie) => cookie.split(";")[0]).join("; ");
}

/** All of it, or of a stream that goes on what came up to its first event. */
async function bodyOf(response: Response): Promise<string> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return response.text();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes("\ndata: ")) break;
  }
  return text;
}

/** Asks over plain HTTP with canaries in everything that can be sent. */
export class CanaryPages {
  readonly answers: PageAnswer[] = [];
  readonly #plant: Plant;
  readonly #plantAddress: () => string;
  readonly #plantSecret: (text: string) => void;

  constructor(canaries: Canaries) {
    this.#plant = (what, sensitive = true) => canaries.plant(what, sensitive);
    this.#plantAddress = () => canaries.plantAddress("the header x-forwarded-for");
    this.#plantSecret = (text) => canaries.plantSecret(text, "a cookie of a session");
  }

  /** Every page of the storefront, as a guest and as a user. */
  async visitShop(origin: string, user: SignedIn, belongings: Belongings): Promise<void> {
    const path = () => `/${this.#plant("a path", false)}`;
    const query = (name: string) => `?${name}=${this.#plant(`${name} in a query`, false)}`;
    const { pages, forms } = addressesOf(belongings);
    const guest = await this.#ask(origin, "POST", "/cart/items", { body: new URLSearchParams({ bookId: "1" }) });
    // What the guest has in the cart is the user's from then on.
    const signIn = new URLSearchParams({ email: user.email, password: user.password });
    const signedIn = await this.#ask(origin, "POST", "/sign-in", { body: signIn, cookie: cookieOf(guest) });
    for (const cookie of [undefined, cookieOf(signedIn)]) {
      const wrong = ["/books", "/categories", "/covers", "/assets", "/orders", ""].map((folder) => folder + path());
      for (const page of [...pages, ...wrong, ...forms, path()]) {
        for (const name of ["page", "q", "next", "token"]) await this.#ask(origin, "GET", page + query(name), { cookie });
      }
      for (const form of [...forms, path()]) await this.#send(origin, form, cookie);
    }
    await this.#live(origin, cookieOf(signedIn), belongings);
  }

  /** What users do in earnest: they write, buy and look again. */
  async #live(origin: string, cookie: string, { review }: Belongings): Promise<void> {
    const onReview = `/books/${review.bookId}/reviews/${review.id}`;
    const submit = async (form: string, fields: Record<string, string>) => {
      const answer = await this.#ask(origin, "POST", form, { cookie, body: new URLSearchParams(fields) });
      if (answer.status !== 303) throw new Error(`${form}: ${answer.status}`);
    };
    await submit("/books/3/review", { rating: "4", text: this.#plant("the text of a review") });
    await submit(onReview, { content: this.#plant("the text of a comment"), key: randomUUID() });
    await submit("/cart/items", { bookId: "3" });
    const { text } = await this.#ask(origin, "GET", "/checkout", { cookie });
    const hidden = [...text.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
    await submit("/checkout", { ...Object.fromEntries(hidden), payment: "tok_ok" });
    for (const page of ["/books/3", onReview, "/cart", "/orders", "/notifications"]) {
      await this.#ask(origin, "GET", page, { cookie });
      await this.#ask(origin, "GET", page);
    }
    const unsubscribe = () => `/notifications/unsubscribe?kind=1&token=${this.#plant("token in a query")}`;
    for (const method of ["GET", "POST"]) await this.#ask(origin, method, unsubscribe(), { type: FORM });
    await this.#ask(origin, "GET", "/notifications/stream?after=0", { cookie });
    await this.#ask(origin, "GET", "/notifications/stream?after=0");
  }

  /** Sign-in for programs that speak no gRPC. */
  async signIn(origin: string, user: SignedIn): Promise<void> {
    for (const path of ["/auth", "/login", "/verify", `/${this.#plant("a path", false)}`])
      await this.#send(origin, path, undefined);
    const answers = [
      await this.#ask(origin, "POST", "/auth", { json: { username: user.email, password: user.password } }),
      await this.#ask(origin, "POST", "/login", { json: { email: user.email, password: user.password } }),
    ];
    for (const { text } of answers) for (const token of text.match(/eyJ[\w.-]+/g) ?? []) this.#plantSecret(token);
    await this.#ask(origin, "POST", "/verify", { json: { token: user.accessToken } });
    for (const path of [`/users/${user.id}`, "/users/1", `/users/${this.#plant("a path", false)}`, "/.well-known/jwks.json"]) {
      await this.#ask(origin, "GET", `${path}?token=${this.#plant("token in a query")}`);
      await this.#ask(origin, "GET", path, { authorization: `Bearer ${user.accessToken}` });
    }
  }

  /** The page and the interface of the registry. */
  async lookAtRegistry(origin: string): Promise<void> {
    for (const path of ["/", "/services", `/services/${this.#plant("a path", false)}`, `/${this.#plant("a path", false)}`]) {
      await this.#ask(origin, "GET", `${path}?token=${this.#plant("token in a query")}`);
    }
    await this.#send(origin, "/register", undefined);
    const host = "192.0.2.1";
    const url = `http://${host}/${this.#plant("the path of a URL", false)}`;
    await this.#ask(origin, "POST", "/register", { json: { name: this.#plant("name in a body", false), url } });
    await this.#ask(origin, "POST", "/register", { json: { name: "orders", url } });
  }

  /** What operators ask a process. @returns the metrics. */
  async lookAtProcess(origin: string): Promise<string> {
    for (const path of ["/livez", "/readyz", "/metrics", `/${this.#plant("a path", false)}`]) {
      await this.#ask(origin, "GET", `${path}?token=${this.#plant("token in a query")}`);
      await this.#ask(origin, "POST", path, { json: fieldsOf(this.#plant) });
    }
    return (await fetch(`${origin}/metrics`)).text();
  }

  /** Sends a form, a body in JSON, and some that are neither, to one path. */
  async #send(origin: string, path: string, cookie: string | undefined): Promise<void> {
    const fields = () => fieldsOf(this.#plant);
    await this.#ask(origin, "POST", path, { cookie, body: new URLSearchParams(fields()) });
    await this.#ask(origin, "POST", path, {
      cookie,
      body: new URLSearchParams({ ...fields(), email: this.#plant("email in a body") }),
    });
    await this.#ask(origin, "POST", path, { cookie, json: fields() });
    await this.#ask(origin, "POST", path, { cookie, type: "application/json", body: `{${JSON.stringify(fields())}` });
    await this.#ask(origin, "POST", path, { cookie, type: "application/json", body: JSON.stringify(fields()).repeat(200) });
    await this.#ask(origin, "POST", path, {
      cookie,
      type: this.#plant("the header content-type"),
      body: JSON.stringify(fields()),
    });
    await this.#ask(origin, "POST", path, {
      cookie,
      body: new URLSearchParams(fields()),
      from: this.#plant("the header origin"),
    });
    await this.#ask(origin, "PUT", path, { cookie, json: fields() });
  }

  async #ask(
    origin: string,
    method: string,
    path: string,
    options: {
      cookie?: string | undefined;
      type?: string;
      body?: string | URLSearchParams;
      json?: object;
      from?: string;
      authorization?: string;
    } = {},
  ): Promise<PageAnswer & { cookies: string[] }> {
    const { json, type = json && "application/json" } = options;
    const body = json === undefined ? options.body : JSON.stringify(json);
    const headers = {
      cookie: options.cookie ?? `bookmesh-access=${this.#plant("a cookie")}; bookmesh-refresh=${this.#plant("a cookie")}`,
      authorization: options.authorization ?? `Bearer ${this.#plant("the header authorization")}`,
      referer: `http://shop.example/?token=${this.#plant("the header referer")}`,
      "user-agent": this.#plant("the header user-agent"),
      "x-forwarded-for": this.#plantAddress(),
      traceparent: this.#plant("the header traceparent"),
      "x-canary": this.#plant("the header x-canary"),
      ...(type && { "content-type": type }),
      ...(options.from && { origin: `http://${options.from}.example` }),
    };
    const response = await fetch(origin + path, { method, headers, redirect: "manual", ...(body !== undefined && { body }) });
    const cookies = response.headers.getSetCookie();
    for (const cookie of cookies) {
      const [value = ""] = cookie.slice(cookie.indexOf("=") + 1).split(";");
      if (value !== "") this.#plantSecret(value);
    }
    const shown = [...response.headers].filter(([name]) => name !== "set-cookie");
    const answer = {
      asked: `${method} ${path.split("?")[0]}`,
      status: response.status,
      text: `${JSON.stringify(shown)}\n${await bodyOf(response)}`,
      signedIn: options.cookie !== undefined || options.authorization !== undefined,
    };
    this.answers.push(answer);
    return { ...answer, cookies };
  }
}
