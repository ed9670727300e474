import { Protocol } from "../../../gen/mesh/registry/v1/instance.ts";
import { Failure } from "../../../runtime/errors.ts";
import { openPages } from "./testing.ts";

const OK = { status: 201, body: { message: "Service registered" } };

test("registers a program as an instance that speaks HTTP, to be asked at /health", async () => {
  await using server = await openPages();

  expect(await server.register({ name: "users", url: "http://192.0.2.1:8001" })).toEqual(OK);

  expect(server.registered).toEqual([
    expect.objectContaining({
      id: "users@192.0.2.1:8001",
      service: "users",
      address: "192.0.2.1",
      port: 8001,
      protocol: Protocol.PROTOCOL_HTTP,
      healthCheckPath: "/health",
    }),
  ]);
  expect(server.logs).toContainEqual(expect.objectContaining({ instance: "users@192.0.2.1:8001", peer: "127.0.0.1" }));
});

test("registers again under the same id, which replaces", async () => {
  await using server = await openPages();

  await server.register({ name: "users", url: "http://[2001:DB8::1]:8001" });
  await server.register({ name: "users", url: "http://[2001:db8:0::1]:8001/", health_check_url: "http://[2001:db8::1]:8001/up" });

  expect(server.registered.map(({ id }) => id)).toEqual(["users@[2001:db8::1]:8001", "users@[2001:db8::1]:8001"]);
});

test("registers nothing for a web page, also one that reaches it by a name of its own", async () => {
  await using server = await openPages();
  const body = JSON.stringify({ name: "users", url: "http://192.0.2.1:8001" });

  for (const origin of ["http://other.example", server.origin, "null"]) {
    const headers = { "content-type": "application/json", origin };
    const response = await server.fetch("/register", { method: "POST", headers, body });
    expect([response.status, await response.json()]).toEqual([403, { error: "Services register, and no web pages" }]);
  }
  expect(server.registered).toEqual([]);
});

test("tells who has asked", async () => {
  const observed: string[] = [];
  await using server = await openPages({
    register: (_instance, address) => {
      observed.push(address);
      return "";
    },
  });

  await server.register({ name: "users", url: "http://192.0.2.1:8001" });

  expect(observed).toEqual(["127.0.0.1"]);
});

test.each([
  ["http://192.0.2.1", undefined, "192.0.2.1", 80, "/health"],
  ["HTTP://192.0.2.1:8001/", undefined, "192.0.2.1", 8001, "/health"],
  ["http://192.0.2.1:8001/api", undefined, "192.0.2.1", 8001, "/api/health"],
  ["http://192.0.2.1:8001/api//", undefined, "192.0.2.1", 8001, "/api/health"],
  ["http://[2001:db8::1]:8001", undefined, "2001:db8::1", 8001, "/health"],
  ["http://192.0.2.1:8001", null, "192.0.2.1", 8001, "/health"],
  ["http://192.0.2.1:8001", "http://192.0.2.1:8001", "192.0.2.1", 8001, "/"],
  ["http://192.0.2.1:8001", "http://192.0.2.1:8001/up?deep=1#top", "192.0.2.1", 8001, "/up?deep=1"],
  ["http://192.0.2.1:80/api", "http://192.0.2.1/up", "192.0.2.1", 80, "/up"],
  ["http://users.example:8001", "http://USERS.example:8001/up", "192.0.2.7", 8001, "/up"],
])("understands the url %s with the health_check_url %s", async (url, health_check_url, address, port, healthCheckPath) => {
  await using server = await openPages({ resolve: async () => "192.0.2.7" });

  expect(await server.register({ name: "users", url, health_check_url })).toEqual(OK);

  expect(server.registered).toEqual([expect.objectContaining({ address, port, healthCheckPath })]);
});

test.each([
  ["no name", { url: "http://192.0.2.1:8001" }, "name is required"],
  ["no url", { name: "users" }, "url is required"],
  ["neither", {}, "name is required; url is required"],
  ["an empty name", { name: "", url: "http://192.0.2.1:8001" }, "name is required"],
  ["a name that is a number", { name: 1, url: "http://192.0.2.1:8001" }, "name must be a string"],
  ["a name that is no DNS label", { name: "User Service", url: "http://192.0.2.1:8001" }, /^name must match/],
  ["a name of 64 letters", { name: "x".repeat(64), url: "http://192.0.2.1:8001" }, /^name must match/],
  ["a url that is a list", { name: "users", url: ["http://192.0.2.1:8001"] }, "url must be a string"],
  ["a url that is none", { name: "users", url: "users:8001" }, "url must be as in http://host:port"],
  ["a url of another scheme", { name: "users", url: "https://192.0.2.1" }, "url must be as in http://host:port"],
  ["a url that would have to be mended", { name: "users", url: "http:\\\\192.0.2.1" }, "url must be as in http://host:port"],
  ["a url without slashes", { name: "users", url: "http:192.0.2.1" }, "url must be as in http://host:port"],
  ["a url with spaces", { name: "users", url: " http://192.0.2.1 " }, "url must be as in http://host:port"],
  ["a url with a port too high", { name: "users", url: "http://192.0.2.1:70000" }, "url must be as in http://host:port"],
  ["a url with the port 0", { name: "users", url: "http://192.0.2.1:0" }, "url must be 1 to 65535"],
  ["a url with a query", { name: "users", url: "http://192.0.2.1/?a=b" }, "url must have no query"],
  ["a url with a password", { name: "users", url: "http://a:b@192.0.2.1" }, "url must have no user name and no password"],
  ["a url that is too long", { name: "users", url: `http://h/${"x".repeat(2_048)}` }, "url must be at most 2048 characters long"],
  ["a host that is too long", { name: "users", url: `http://${"x".repeat(254)}` }, "url must have a shorter host name"],
  [
    "a health check of another host",
    { name: "users", url: "http://192.0.2.1:8001", health_check_url: "http://192.0.2.2:8001/health" },
    "health_check_url must have the host and the port of url",
  ],
  [
    "a health check of another port",
    { name: "users", url: "http://192.0.2.1:8001", health_check_url: "http://192.0.2.1/health" },
    "health_check_url must have the host and the port of url",
  ],
  [
    "a health check without a host",
    { name: "users", url: "http://192.0.2.1:8001", health_check_url: "/health" },
    "health_check_url must be as in http://host:port",
  ],
  [
    "a health check that is a number",
    { name: "users", url: "http://192.0.2.1:8001", health_check_url: 1 },
    "health_check_url must be a string",
  ],
  [
    "a health check with too long a path",
    { name: "users", url: "http://192.0.2.1", health_check_url: `http://192.0.2.1/${"x".repeat(256)}` },
    /^health_check_url must match/,
  ],
  ["a list", [], "The body must be a JSON object with name and url"],
  ["nothing", null, "The body must be a JSON object with name and url"],
])("refuses %s with 400, and names the field", async (_what, body, error) => {
  await using server = await openPages();

  const answer = await server.register(body);

  expect(answer).toEqual({ status: 400, body: { error: error instanceof RegExp ? expect.stringMatching(error) : error } });
  expect(server.registered).toEqual([]);
});

test.each([
  ["a larger body", 413, "application/json", JSON.stringify({ name: "users", url: "x".repeat(16_384) })],
  ["broken JSON", 400, "application/json", "{"],
  ["no body", 400, "application/json", ""],
  ["JSON that would change prototypes", 400, "application/json", '{"__proto__": {"name": "users"}}'],
  ["text that a browser would send across sites", 415, "text/plain", '{"name": "users", "url": "http://192.0.2.1"}'],
  ["a form", 415, "application/x-www-form-urlencoded", "name=users"],
  ["a content type that is none", 415, "json", "{}"],
])("answers %s with %d and a JSON error", async (_what, status, type, body) => {
  await using server = await openPages();

  const answer = await server.fetch("/register", { method: "POST", headers: { "content-type": type }, body });

  expect([answer.status, await answer.json()]).toEqual([status, { error: expect.stringMatching(/^The body [^\n]*$/) }]);
  expect(server.registered).toEqual([]);
});

test("takes a body of 16 KiB", async () => {
  await using server = await openPages();
  const body = { name: "users", url: "http://192.0.2.1", more: "" };
  body.more = "x".repeat(16_384 - JSON.stringify(body).length);

  expect(await server.register(body)).toEqual(OK);
});

test("says in the names of the body what the registry refuses", async () => {
  await using server = await openPages();

  expect(await server.register({ name: "users", url: "http://0.0.0.0:8001" })).toEqual({
    status: 400,
    body: { error: "url must be an address that others can call" },
  });
});

test("passes on that the registry is full", async () => {
  await using server = await openPages({
    register() {
      throw new Failure("exhausted", "the registry has room for 10000 instances", { reason: "REGISTRY_FULL" });
    },
  });

  expect(await server.register({ name: "users", url: "http://192.0.2.1" })).toEqual({
    status: 429,
    body: { error: "the registry has room for 10000 instances", reason: "REGISTRY_FULL" },
  });
});

test("names the url if its host is not known, and says when to try again if nobody can tell", async () => {
  const failures = [new Failure("invalid", "no such host"), new Failure("unavailable", "not now", { retryAfterMs: 1_500 })];
  await using server = await openPages({ resolve: () => Promise.reject(failures.shift()) });
  const register = () =>
    server.fetch("/register", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"name": "users", "url": "http://users.invalid:8001"}',
    });

  const [unknown, unavailable] = [await register(), await register()];

  expect([unknown.status, await unknown.json()]).toEqual([400, { error: "url: no such host" }]);
  expect([unavailable.status, await unavailable.json()]).toEqual([503, { error: "url: not now" }]);
  expect(unavailable.headers.get("retry-after")).toBe("2");
});

test("tells a caller nothing of an error of its own, and logs all of it", async () => {
  await using server = await openPages({
    register() {
      throw new TypeError("x is undefined");
    },
  });

  expect(await server.register({ name: "users", url: "http://192.0.2.1" })).toEqual({
    status: 500,
    body: { error: "Internal error" },
  });
  expect(server.logs).toContainEqual(
    expect.objectContaining({ msg: "request failed", err: expect.objectContaining({ message: "x is undefined" }) }),
  );
});
