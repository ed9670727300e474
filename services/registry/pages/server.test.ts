import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { openPages, service } from "./testing.ts";

test.each([
  ["GET", "/register", "POST"],
  ["PUT", "/register", "POST"],
  ["DELETE", "/services", "GET, HEAD"],
  ["POST", "/services/users", "GET, HEAD"],
  ["OPTIONS", "/services", "GET, HEAD"],
  ["PROPFIND", "/services/users", "GET, HEAD"],
  ["POST", "/", "GET, HEAD"],
])("answers %s %s with 405 and what is allowed", async (method, path, allow) => {
  await using server = await openPages({ services: () => [service("users")] });
  const body = method === "POST" ? { body: "<x/>", headers: { "content-type": "text/xml" } } : {};

  const answer = await server.fetch(path, { method, ...body });

  expect([answer.status, answer.headers.get("allow"), await answer.json()]).toEqual([
    405,
    allow,
    { error: "Method not allowed" },
  ]);
});

test.each([
  ["GET", "/nowhere"],
  ["POST", "/nowhere"],
  ["GET", "/services/users/more"],
  ["GET", "/assets/nothing.css"],
  ["GET", "/assets/..%2fserver.ts"],
  ["GET", "/assets/%2e%2e/server.ts"],
  ["POST", "/Register"],
])("answers %s %s with 404", async (method, path) => {
  await using server = await openPages();

  const answer = await server.fetch(path, { method });

  expect([answer.status, await answer.json()]).toEqual([404, { error: "Not found" }]);
});

test("lets nothing run or load that is not its own, on any page", async () => {
  await using server = await openPages();

  for (const path of ["/", "/services", "/nowhere", "/assets/style.css", "/assets/refresh.js", "/register"]) {
    const { headers } = await server.fetch(path);
    expect([path, headers.get("content-security-policy")]).toEqual([
      path,
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';form-action 'none';base-uri 'none';frame-ancestors 'none'",
    ]);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-powered-by")).toBeNull();
  }
});

/** Sends these bytes and nothing more. @returns all that comes back until the server closes. */
async function raw(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(bytes);
  return text(socket).catch(() => "");
}

test.each([
  ["an address that is broken", "GET /services/%ff HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 400],
  ["an address of slashes", "GET // HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 404],
  ["no address", "OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 404],
  ["no HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", 400],
  ["endless headers", `GET / HTTP/1.1\r\nx: ${"x".repeat(10_000)}\r\n\r\n`, 431],
  ["an endless address", `GET /${"x".repeat(10_000)} HTTP/1.1\r\n\r\n`, 431],
  ["two lengths", "POST /register HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}", 400],
  ["a length and chunks", "POST /register HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}", 400],
  [
    "endless chunks",
    `POST /register HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5000\r\n${" ".repeat(0x5000)}\r\n`,
    413,
  ],
])("answers %s with a JSON error, tells nothing of itself, and goes on", async (_what, bytes, status) => {
  await using server = await openPages();

  const answer = await raw(server.port, bytes);

  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toHaveProperty("error");
  expect(answer).not.toMatch(/node_modules|\.ts|at \w/);
  expect((await server.fetch("/services")).status).toBe(200);
});

test("cuts off who does not finish a request, and serves others meanwhile", async () => {
  await using server = await openPages();
  const startedAt = performance.now();
  const took = (answer: string) => ({ status: answer.slice(9, 12), seconds: (performance.now() - startedAt) / 1_000 });
  const head = raw(server.port, "GET / HTTP/1.1\r\nhost: a\r\n").then(took);
  const nothing = raw(server.port, "").then(took);
  const body = raw(
    server.port,
    "POST /register HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
  ).then(took);

  expect((await server.fetch("/")).status).toBe(200);
  const [headAnswer, bodyAnswer, nothingAnswer] = await Promise.all([head, body, nothing]);

  expect(headAnswer.status).toBe("408");
  expect(headAnswer.seconds).toBeLessThan(6);
  expect(nothingAnswer.seconds).toBeLessThan(16);
  expect(bodyAnswer.status).toBe("408");
  expect(bodyAnswer.seconds).toBeLessThan(10);
});

test("answers HEAD without a body", async () => {
  await using server = await openPages();

  const answer = await server.fetch("/services", { method: "HEAD" });

  expect([answer.status, await answer.text()]).toEqual([200, ""]);
});
