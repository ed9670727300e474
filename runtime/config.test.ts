import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { ConfigError, databaseUrl, EXIT_BAD_CONFIG, parseConfig, peer, serviceSettings } from "./config.ts";

const schema = z.object({
  ...serviceSettings("recommendations", { port: 50_051, adminPort: 9_051 }),
  DATABASE_URL: databaseUrl.default("sqlite:books.db"),
  MARKETPLACE_HOST: peer("marketplace", 50_052),
});

test("has a default for everything", () => {
  expect(parseConfig(schema, {})).toEqual({
    host: "127.0.0.1",
    port: 50_051,
    adminPort: 9_051,
    credentialsDir: ".bookmesh/credentials/recommendations",
    registries: ["localhost:50050"],
    advertisedAddress: undefined,
    serviceVersion: "v1",
    zone: "",
    instanceWeight: 1,
    logLevel: "info",
    shutdownGraceMs: 30_000,
    maxCallsInFlight: 1_000,
    maxOpenStreams: 1_000,
    databaseUrl: "sqlite:books.db",
    marketplaceHost: "xds:///marketplace",
  });
});

test("takes what is set, and nothing of what else the environment holds", () => {
  const config = parseConfig(schema, { PORT: "0", LOG_LEVEL: "debug", DATABASE_URL: "postgres://u:p@db/books", HOME: "/root" });

  expect(config).toMatchObject({ port: 0, logLevel: "debug", databaseUrl: "postgres://u:p@db/books" });
  expect(config).not.toHaveProperty("home");
});

test("takes a variable that is set to nothing as not set", () => {
  expect(parseConfig(schema, { PORT: "", MARKETPLACE_HOST: "" })).toMatchObject({
    port: 50_051,
    marketplaceHost: "xds:///marketplace",
  });
});

test("lists every variable that is wrong", () => {
  const wrong = {
    HOST: undefined,
    PORT: "65536",
    ADMIN_PORT: "http",
    LOG_LEVEL: "loud",
    SHUTDOWN_GRACE_MS: "-1",
    MAX_CALLS_IN_FLIGHT: "0",
    DATABASE_URL: "mysql://db",
    MARKETPLACE_HOST: "a host",
  };

  const lines = messageOf(() => parseConfig(schema, wrong)).split("\n");

  expect(lines[0]).toBe("bad configuration");
  expect(lines.slice(1).map((line) => line.trim().split(":")[0])).toEqual(Object.keys(wrong).filter((name) => name !== "HOST"));
});

test("never prints the value that is wrong: it may hold a password", () => {
  expect(messageOf(() => parseConfig(schema, { DATABASE_URL: "mysql://root:secret@db" }))).not.toContain("secret");
});

test.each([
  ["localhost", "localhost:50052"],
  ["localhost:1", "localhost:1"],
  ["books.example.com", "books.example.com:50052"],
  ["10.0.0.7:65535", "10.0.0.7:65535"],
  ["[::1]", "[::1]:50052"],
  ["[::1]:1", "[::1]:1"],
  ["xds:///marketplace", "xds:///marketplace"],
  ["dns:///books.example.com:1", "dns:///books.example.com:1"],
])("reads where a peer is: %s", (value, target) => {
  expect(peer("marketplace", 50_052).parse(value)).toBe(target);
});

test.each(["", "::1", "host:", "host:port", "host:1:2", "http://host", "a b", "[::1", "user@host"])(
  'refuses "%s" as the address of a peer',
  (value) => {
    expect(peer("marketplace", 50_052).safeParse(value).success).toBe(false);
  },
);

test("reads the addresses of several registries, or that there are none", () => {
  expect(parseConfig(schema, { REGISTRIES: "a:1,[::1]:2" })).toMatchObject({ registries: ["a:1", "[::1]:2"] });
  expect(parseConfig(schema, { REGISTRIES: "none", MARKETPLACE_HOST: "books" })).toMatchObject({ registries: [] });
});

test.each(["localhost", "a:1,", "a:1 b:2", "none,a:1", "http://a:1"])('refuses "%s" as registries', (value) => {
  expect(messageOf(() => parseConfig(schema, { REGISTRIES: value }))).toContain("REGISTRIES: Expected host:port");
});

test("asks for the addresses of all peers where there is no registry to find them", () => {
  const message = messageOf(() => parseConfig(schema, { REGISTRIES: "none" }));

  expect(message).toBe("bad configuration\n  MARKETPLACE_HOST: Expected an address, as REGISTRIES is none");
});

test("leaves peers to a control plane that is not ours", () => {
  const env = { REGISTRIES: "none", GRPC_XDS_BOOTSTRAP: "/etc/istio/bootstrap.json" };

  expect(parseConfig(schema, env)).toMatchObject({ marketplaceHost: "xds:///marketplace" });
});

test.each(["books.db", "sqlite:", "http://db/books", "postgres:books"])('refuses "%s" as a store', (value) => {
  expect(databaseUrl.safeParse(value).success).toBe(false);
});

const services = readdirSync("services").filter((name) => existsSync(`services/${name}/main.ts`));

test.each(services)("%s ends with 64 and names every bad variable before it takes a port", async (service) => {
  const env = { PATH: process.env.PATH, PORT: "nonsense", LOG_LEVEL: "loud" };
  const child = spawn(process.execPath, [`services/${service}/main.ts`], { env });

  const [output, errors, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);

  expect(status).toBe(EXIT_BAD_CONFIG);
  expect(errors).toMatch(/^bad configuration\n {2}PORT: .*\n {2}LOG_LEVEL: .*\n$/);
  expect(output).toBe("");
});

function messageOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("expected a ConfigError");
}
