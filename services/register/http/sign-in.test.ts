import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { ADA, cheapPasswords, GRACE, PASSWORD, startAccounts } from "../testing-register.ts";

const CREDENTIALS = { username: ADA.email, password: PASSWORD };

async function startHttp() {
  const accounts = await startAccounts({ passwords: cheapPasswords().passwords });
  const id = await accounts.signUp();
  const get = async (path: string, token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: token };
    const response = await fetch(accounts.origin + path, { headers });
    const body = (await response.json()) as object;
    return { status: response.status, headers: response.headers, body };
  };
  return { ...accounts, id, get };
}

test("gives a token for the right name and password, and takes it for valid then", async () => {
  await using http = await startHttp();

  const { status, headers, body } = await http.post("/auth", CREDENTIALS);

  expect([status, body]).toEqual([200, { token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]{86}$/) }]);
  expect(headers.get("cache-control")).toBe("no-store");
  expect(await http.post("/verify", { token: body.token })).toMatchObject({ status: 200, body: { valid: true } });
});

test("gives an access token at /login, where the name may be called e-mail", async () => {
  await using http = await startHttp();

  const { status, body } = await http.post("/login", { email: "ADA@example.com", password: PASSWORD });

  expect([status, Object.keys(body)]).toEqual([200, ["access_token"]]);
  expect(await http.get(`/users/${http.id}`, `Bearer ${body.access_token}`)).toMatchObject({ status: 200 });
});

test("leaves the sessions of the user alone, however often a program signs in", async () => {
  await using http = await startHttp();
  const { refreshToken } = await http.signIn();

  // As many as there may be.
  for (let i = 0; i < 50; i++) {
    expect(await http.post(i % 2 === 0 ? "/auth" : "/login", CREDENTIALS)).toMatchObject({ status: 200 });
  }

  expect(await http.refresh(refreshToken)).toMatchObject({ user: { email: ADA.email } });
});

test.each(["/auth", "/login"])("gives no token at %s for a wrong password or an unknown name", async (path) => {
  await using http = await startHttp();
  await http.signUp(GRACE);
  const refused = { error: "e-mail address and password do not belong together", reason: "INVALID_CREDENTIALS" };

  for (const username of [ADA.email, GRACE.email, "nobody@example.com", "user_id"]) {
    expect(await http.post(path, { username, password: "wrong" })).toMatchObject({ status: 401, body: refused });
  }
});

test("limits attempts by the address that connects, whatever the request says of it", async () => {
  await using http = await startHttp();
  for (let i = 0; i < 10; i++) {
    const headers = { "x-forwarded-for": `198.51.100.${i}`, forwarded: `for=198.51.100.${i}`, "x-real-ip": `198.51.100.${i}` };
    await http.post(
      "/auth",
      { ...CREDENTIALS, password: "wrong", clientAddress: `198.51.100.${i}`, client_address: "1.1.1.1" },
      headers,
    );
  }

  const { status, headers, body } = await http.post("/auth", CREDENTIALS);

  expect([status, headers.get("retry-after"), body.reason]).toEqual([429, "90", "TOO_MANY_ATTEMPTS"]);
  await expect(http.signIn({ clientAddress: "127.0.0.1" })).rejects.toMatchObject({ reason: "TOO_MANY_ATTEMPTS" });
});

test.each([
  ["nothing", {}],
  ["no text", { token: 7 }],
  ["an empty text", { token: "" }],
  ["no object", []],
  ["null", null],
])("answers /verify of %s with 400", async (_what, body) => {
  await using http = await startHttp();

  expect(await http.post("/verify", body)).toMatchObject({ status: 400, body: { error: expect.any(String) } });
});

test.each([
  ["no token", () => "token"],
  ["one of another mesh", () => "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"],
  ["a refresh token", ({ refreshToken }: { refreshToken: string }) => refreshToken],
  ["a very long text", () => "x".repeat(3_000)],
])("answers /verify of %s with 401", async (_what, tokenOf) => {
  await using http = await startHttp();
  const token = tokenOf(await http.signIn());

  expect(await http.post("/verify", { token })).toMatchObject({ status: 401, body: { reason: "USER_TOKEN_INVALID" } });
});

test("answers /verify of a token that has expired with 401", async () => {
  await using http = await startHttp();
  const { accessToken: token } = await http.signIn();

  http.pass(15 * 60_000 + 5_000);

  expect(await http.post("/verify", { token })).toMatchObject({ status: 401, body: { reason: "USER_TOKEN_EXPIRED" } });
});

test("tells users who they are", async () => {
  await using http = await startHttp();
  const { accessToken } = await http.signIn();

  const { status, headers, body } = await http.get(`/users/${http.id}`, `Bearer ${accessToken}`);

  expect([status, body]).toEqual([200, { id: Number(http.id), name: ADA.name, email: ADA.email }]);
  expect(headers.get("cache-control")).toBe("no-store");
});

test.each([undefined, "", "Bearer", "Bearer ", "Bearer x", "Basic dXNlcjpwYXNz"])(
  "tells nothing to who comes with the header %j",
  async (authorization) => {
    await using http = await startHttp();

    for (const path of [`/users/${http.id}`, "/users/1"]) {
      const { status, headers, body } = await http.get(path, authorization);
      expect([status, headers.get("www-authenticate"), Object.keys(body)]).toEqual([401, "Bearer", ["error", "reason"]]);
    }
  },
);

test("answers of another user as of one who is not there", async () => {
  await using http = await startHttp();
  const { accessToken } = await http.signIn();
  const other = await http.signUp(GRACE);

  const answers = [
    await http.get(`/users/${other}`, `Bearer ${accessToken}`),
    await http.get("/users/1", `Bearer ${accessToken}`),
  ];

  for (const { status, body } of answers) {
    expect([status, body]).toEqual([404, { error: "no such user", reason: "USER_NOT_FOUND" }]);
  }
});

test("tells an administrator who others are, and nobody of a user who is gone", async () => {
  await using http = await startHttp();
  const { accessToken } = await http.signIn();
  const administrator = `Bearer ${http.users.tokenOf("7000000", { administrator: true })}`;
  expect(await http.get(`/users/${http.id}`, administrator)).toMatchObject({ status: 200, body: { email: ADA.email } });

  await http.client.deleteUser({ userId: http.id });

  for (const token of [administrator, `Bearer ${accessToken}`]) {
    expect(await http.get(`/users/${http.id}`, token)).toMatchObject({ status: 404, body: { reason: "USER_NOT_FOUND" } });
  }
});

test.each(["/users/abc", "/users/1.5", "/users/-1", "/users/1e3", "/users/1/orders", "/users/", "/users", "/users/%31a", "/"])(
  "has nothing at %s",
  async (path) => {
    await using http = await startHttp();
    const { accessToken } = await http.signIn();

    for (const token of [undefined, `Bearer ${accessToken}`]) {
      expect(await http.get(path, token)).toMatchObject({ status: 404, body: { error: "Not found" } });
    }
  },
);

test.each([
  ["GET", "/auth", "POST"],
  ["GET", "/login", "POST"],
  ["DELETE", "/users/1", "GET, HEAD"],
  ["POST", "/.well-known/jwks.json", "GET, HEAD"],
])("answers %s %s with 405", async (method, path, allow) => {
  await using http = await startHttp();

  const answer = await fetch(http.origin + path, { method });

  expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
});

test.each([
  ["a form", "application/x-www-form-urlencoded", "username=a&password=b", 415],
  ["plain text", "text/plain", JSON.stringify(CREDENTIALS), 415],
  ["broken JSON", "application/json", '{"username":', 400],
  ["a prototype", "application/json", '{"__proto__":{"username":"a"},"password":"b"}', 400],
  ["no name", "application/json", '{"password":"b"}', 400],
  ["a name that is a number", "application/json", '{"username":1,"password":"b"}', 400],
  ["a name that is too long", "application/json", JSON.stringify({ username: "a".repeat(101), password: "b" }), 400],
  ["a password that is too long", "application/json", JSON.stringify({ username: "a", password: "b".repeat(129) }), 400],
  ["a NUL", "application/json", JSON.stringify({ username: "a\0", password: "b" }), 400],
  ["more than it takes", "application/json", JSON.stringify({ username: "a", password: "b", x: "x".repeat(5_000) }), 413],
])("refuses %s with a JSON error", async (_what, type, body, status) => {
  await using http = await startHttp();

  const answer = await fetch(`${http.origin}/auth`, { method: "POST", headers: { "content-type": type }, body });

  expect([answer.status, await answer.json()]).toEqual([status, { error: expect.any(String) }]);
});

test("names the fields as the body does", async () => {
  await using http = await startHttp();
  const long = "x".repeat(200);

  expect((await http.post("/auth", { username: long, password: long })).body.error).toBe(
    "username must be at most 100 characters long; password must be at most 128 characters long",
  );
  expect((await http.post("/login", { email: "", password: 1 })).body.error).toBe(
    "email must be a string that is not empty; password must be a string that is not empty",
  );
});

test("lets nothing run or load, and tells nothing of itself", async () => {
  await using http = await startHttp();

  for (const path of ["/users/1", "/nowhere", "/.well-known/jwks.json"]) {
    const { headers } = await fetch(http.origin + path);
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    );
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("access-control-allow-origin")).toBeNull();
    expect(headers.get("x-powered-by")).toBeNull();
  }
});

test.each([
  ["an address that is broken", "GET /users/%ff HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 400],
  ["no HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", 400],
  ["endless headers", `GET / HTTP/1.1\r\nx: ${"x".repeat(10_000)}\r\n\r\n`, 431],
  ["two lengths", "POST /auth HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}", 400],
])("answers %s with a JSON error, and goes on", async (_what, bytes, status) => {
  await using http = await startHttp();
  const socket = connect(Number(new URL(http.origin).port), "127.0.0.1");
  await once(socket, "connect");
  socket.write(bytes);

  const answer = await text(socket);

  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).not.toMatch(/node_modules|\.ts|at \w/);
  expect((await http.get("/.well-known/jwks.json")).status).toBe(200);
});
