import { environmentOf, ignoredSettings } from "./environment.ts";
import { placementsOf } from "./placement.ts";
import { services } from "./services.ts";

function environment(name: string, env: NodeJS.ProcessEnv) {
  const placements = placementsOf(services, env);
  const placement = placements.find(({ service }) => service.name === name);
  if (placement === undefined) throw new Error(`no service ${name}`);
  return environmentOf(placement, placements, { env, data: "/data" });
}

test("tells a service where it listens, where its peers are and where its store is", () => {
  expect(environment("marketplace", {})).toMatchObject({
    HOST: "127.0.0.1",
    PORT: "50052",
    ADMIN_PORT: "9052",
    HTTP_PORT: "5000",
    DATABASE_URL: "sqlite:/data/marketplace.db",
    RECOMMENDATIONS_HOST: "127.0.0.1:50051",
    MARKETPLACE_HOST: "127.0.0.1:50052",
    REGISTER_HOST: "127.0.0.1:50053",
    PUSH_HOST: "127.0.0.1:50054",
  });
});

test("moves a service and tells its peers", () => {
  const env = { RECOMMENDATIONS_PORT: "6051", RECOMMENDATIONS_HOST: "0.0.0.0" };

  expect(environment("recommendations", env)).toMatchObject({ HOST: "0.0.0.0", PORT: "6051" });
  expect(environment("marketplace", env)).toMatchObject({ RECOMMENDATIONS_HOST: "127.0.0.1:6051", PORT: "50052" });
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
  expect(ignored({ DATABASE_URL: "postgres://all", HOST: "my-machine" })).toEqual([
    "DATABASE_URL is ignored: give it to one service, as in REGISTER_DATABASE_URL",
    "HOST is ignored: give it to one service, as in REGISTER_HOST",
  ]);
});
