import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { services } from "../cli/services.ts";
import { ConfigError, parseConfig } from "../runtime/config.ts";
import { Canaries } from "./support/canaries.ts";
import { TestAuthority } from "./support/test-authority.ts";

const names = services.map(({ name }) => name);

/** Runs a service that cannot start. @returns its exit status, and everything that it wrote. */
function run(service: string, env: Record<string, string>): Promise<{ status: unknown; said: string }> {
  const main = services.find(({ name }) => name === service)?.main ?? "";
  return new Promise((resolve) => {
    execFile(process.execPath, [main], { env }, (error, stdout, stderr) =>
      resolve({ status: error?.code, said: stdout + stderr }),
    );
  });
}

test.each(names)("%s names the settings that are wrong, and says nothing of what is in them", async (service) => {
  const { configSchema }: { configSchema: z.ZodObject } = await import(`../services/${service}/config.ts`);
  const canaries = new Canaries();
  const settings = Object.keys(configSchema.shape);
  const env = Object.fromEntries(settings.map((name) => [name, `mysql://user:${canaries.plant(name, true)}@host/x y`]));

  const parse = () => parseConfig(configSchema, env);

  expect(parse).toThrow(ConfigError);
  expect(parse).toThrow("DATABASE_URL");
  expect(parse).toThrow("LOG_LEVEL");
  expect(canaries.in(String(thrownBy(parse)))).toEqual([]);
});

function thrownBy(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

test("a process that cannot reach its store does not say with which name and password it has tried", async () => {
  await using authority = await TestAuthority.create();
  const canaries = new Canaries();
  const [user, password, option] = ["a user", "a password", "an option"].map((what) => canaries.plant(what, true));
  const { status, said } = await run("register", {
    CREDENTIALS_DIR: await authority.folder("register"),
    REGISTRIES: "none",
    DATABASE_URL: `postgres://${user}:${password}@127.0.0.1:1/accounts?sslpassword=${option}`,
  });

  expect(status).toBe(1);
  expect(said).toContain("cannot open the store at postgres://127.0.0.1:1/accounts");
  expect(canaries.in(said)).toEqual([]);
});

test("a process whose address of the store cannot be read does not repeat it", async () => {
  await using authority = await TestAuthority.create();
  const canaries = new Canaries();
  const { status, said } = await run("register", {
    CREDENTIALS_DIR: await authority.folder("register"),
    REGISTRIES: "none",
    DATABASE_URL: `postgres://user:${canaries.plant("a password", true)}@host:port:port/accounts`,
  });

  expect(status).toBe(1);
  expect(said).toContain("cannot open the store");
  expect(canaries.in(said)).toEqual([]);
});

test("a process whose key is no key shows nothing of it", async () => {
  await using authority = await TestAuthority.create();
  const canaries = new Canaries();
  const folder = await authority.folder("push");
  await writeFile(
    join(folder, "tls.key"),
    `-----BEGIN PRIVATE KEY-----\n${canaries.plant("a key", true)}\n-----END PRIVATE KEY-----\n`,
  );

  const { status, said } = await run("push", {
    ...{ CREDENTIALS_DIR: folder, REGISTRIES: "none" },
    ...{ REGISTER_HOST: "localhost:1", ORDERS_HOST: "localhost:1", REVIEWS_HOST: "localhost:1" },
  });

  expect(status).toBe(64);
  expect(said).toContain("tls.key holds no private key");
  expect(canaries.in(said)).toEqual([]);
});
