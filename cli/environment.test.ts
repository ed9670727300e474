import { environmentOf, ignoredSettings, servicesToCertify } from "./environment.ts";
import { placementsOf } from "./placement.ts";
import { parseReplicas } from "./replicas.ts";
import { services } from "./services.ts";

function environment(name: string, env: NodeJS.ProcessEnv) {
  const placements = placementsOf(services, env);
  const placement = placements.find(({ service }) => service.name === name);
  if (placement === undefined) throw new Error(`no service ${name}`);
  return environmentOf(placement, placements, { env, data: "/data" });
}

test("tells a service where it listens, where the registry is and where its store is", () => {
  expect(environment("marketplace", {})).toMatchObject({
    HOST: "127.0.0.1",
    PORT: "50052",
    ADMIN_PORT: "9052",
    HTTP_PORT: "5000",
    DATABASE_URL: "sqlite:/data/marketplace.db",
    CREDENTIALS_DIR: "/data/credentials/marketplace",
    REGISTRIES: "127.0.0.1:50050",
  });
});

test("moves a service", () => {
  const env = { RECOMMENDATIONS_PORT: "6051", RECOMMENDATIONS_HOST: "0.0.0.0" };

  expect(environment("recommendations", env)).toMatchObject({ HOST: "0.0.0.0", PORT: "6051" });
  expect(environment("marketplace", env)).toMatchObject({ HOST: "127.0.0.1", PORT: "50052" });
});

test("gives a setting with a prefix to that service alone", () => {
  const env = { REGISTER_DATABASE_URL: "postgres://db/register", PUSH_LOG_LEVEL: "debug" };

  expect(environment("register", env)).toMatchObject({ DATABASE_URL: "postgres://db/register" });
  expect(environment("push", env)).toMatchObject({ DATABASE_URL: "sqlite:/data/push.db", LOG_LEVEL: "debug" });
  expect(environment("register", env)).not.toHaveProperty("LOG_LEVEL");
  expect(environment("push", env)).not.toHaveProperty("REGISTER_DATABASE_URL");
});

test("gives a setting without a prefix to all, but one for a service goes first", () => {
  const env = { LOG_LEVEL: "warn", PUSH_LOG_LEVEL: "debug", PUSHED: "1", PATH: "/bin" };

  expect(environment("register", env)).toMatchObject({ LOG_LEVEL: "warn", PUSHED: "1", PATH: "/bin" });
  expect(environment("push", env)).toMatchObject({ LOG_LEVEL: "debug", PUSHED: "1", PATH: "/bin" });
});

test("lets a service have its certificate from elsewhere, and issues none to it then", () => {
  const env = { PUSH_CREDENTIALS_DIR: "/run/push", CREDENTIALS_DIR: "/mine" };

  expect(environment("push", env)).toMatchObject({ CREDENTIALS_DIR: "/run/push" });
  expect(environment("register", env)).toMatchObject({ CREDENTIALS_DIR: "/data/credentials/register" });
  const placements = placementsOf(services, env, parseReplicas(["register=2"], services));
  expect(servicesToCertify(env, placements)).toEqual(services.map(({ name }) => name).filter((name) => name !== "push"));
});

test("gives each service that keeps more than a store a folder for it, and documents little memory", () => {
  expect(environment("recommendations", {})).toMatchObject({ MODEL_DIR: "/data/recommendations" });
  expect(environment("documents", {})).toMatchObject({
    ...{ DOCUMENTS_DIR: "/data/documents", NODE_OPTIONS: "--max-semi-space-size=1", MALLOC_ARENA_MAX: "1" },
  });
  expect(environment("documents", { DOCUMENTS_DOCUMENTS_DIR: "/big", NODE_OPTIONS: "--inspect" })).toMatchObject({
    ...{ DOCUMENTS_DIR: "/big", NODE_OPTIONS: "--inspect" },
  });
  expect(environment("push", {})).not.toHaveProperty("NODE_OPTIONS");
});

test("gives nobody the settings that would collide", () => {
  const env = { PORT: "3000", ADMIN_PORT: "3001", HTTP_PORT: "3002", DATABASE_URL: "postgres://all", HOST: "my-machine" };

  expect(environment("push", env)).toMatchObject({
    HOST: "127.0.0.1",
    PORT: "50054",
    ADMIN_PORT: "9054",
    DATABASE_URL: "sqlite:/data/push.db",
  });
  expect(environment("push", env)).not.toHaveProperty("HTTP_PORT");
});

test("speaks of ignored settings that were meant for services, not of every PORT", () => {
  const ignored = (env: NodeJS.ProcessEnv) => ignoredSettings(env, placementsOf(services, env));

  expect(ignored({ PORT: "3000" })).toEqual([]);
  expect(ignored({ HOST: "0.0.0.0" })).toEqual([]);
  expect(ignored({ DATABASE_URL: "postgres://all", CREDENTIALS_DIR: "/mine", HOST: "my-machine" })).toEqual([
    "DATABASE_URL is ignored: give it to one service, as in REGISTRY_DATABASE_URL",
    "CREDENTIALS_DIR is ignored: give it to one service, as in REGISTRY_CREDENTIALS_DIR",
    "HOST is ignored: give it to one service, as in REGISTRY_HOST",
  ]);
});

describe("with several processes", () => {
  function environments(lists: string[], env: NodeJS.ProcessEnv = {}) {
    // As claimPorts does: no port is 0.
    const placements = placementsOf(services, env, parseReplicas(lists, services)).map((placement, index) => ({
      ...placement,
      ports: placement.ports.PORT === 0 ? { PORT: 40_000 + index, ADMIN_PORT: 41_000 + index } : placement.ports,
    }));
    const entries = placements.map((placement) => [placement.name, environmentOf(placement, placements, { env, data: "/data" })]);
    return Object.fromEntries(entries) as Record<string, Record<string, string>>;
  }

  test("tells every process where all registries are, instead of where its peers are", () => {
    const all = environments(["registry=2"]);

    expect(all.push?.REGISTRIES).toBe("127.0.0.1:50050,127.0.0.1:40001");
    expect(all["registry-2"]?.REGISTRIES).toBe(all.push?.REGISTRIES);
    expect(Object.keys(all.push ?? {}).filter((name) => name.endsWith("_HOST"))).toEqual([]);
  });

  test("gives processes of one service the same store and settings, and the versions that are asked for", () => {
    const env = { PUSH_LOG_LEVEL: "debug", SERVICE_VERSION: "v1" };
    const all = environments(["push=2,push@v2=1"], env);

    expect(["push", "push-2", "push-3"].map((name) => all[name])).toMatchObject([
      { DATABASE_URL: "sqlite:/data/push.db", LOG_LEVEL: "debug", SERVICE_VERSION: "v1", PORT: "50054" },
      { DATABASE_URL: "sqlite:/data/push.db", LOG_LEVEL: "debug", SERVICE_VERSION: "v1", PORT: "40005" },
      { DATABASE_URL: "sqlite:/data/push.db", LOG_LEVEL: "debug", SERVICE_VERSION: "v2", PORT: "40006" },
    ]);
  });

  test("lets somebody send one service to a peer of their own", () => {
    const all = environments([], { MARKETPLACE_RECOMMENDATIONS_HOST: "10.0.0.7" });

    expect(all.marketplace?.RECOMMENDATIONS_HOST).toBe("10.0.0.7");
    expect(all.push).not.toHaveProperty("RECOMMENDATIONS_HOST");
  });
});

test("leaves it to the environment where the registries are, if none is run", () => {
  const env = { REGISTRIES: "10.0.0.1:50050" };
  const placements = placementsOf(
    services.filter(({ name }) => name === "push"),
    env,
  );
  const [push] = placements.map((placement) => environmentOf(placement, placements, { env, data: "/data" }));

  expect(push).toMatchObject({ REGISTRIES: "10.0.0.1:50050" });
});
