import { join } from "node:path";
import { hostForAll, type Placement, registriesOf } from "./placement.ts";
import { settingOf } from "./services.ts";

/** The setting with the folder that a process has its identity from. */
const CREDENTIALS_DIR = "CREDENTIALS_DIR";

/**
 * Settings that would collide if every service got them. Many machines have PORT set for something else.
 * HOST is among them as each service is told its own.
 */
const ONLY_WITH_PREFIX = ["HOST", "PORT", "ADMIN_PORT", "HTTP_PORT", "DATABASE_URL", CREDENTIALS_DIR];

/**
 * The environment of one process.
 *
 * It has the environment of the supervisor without what is addressed to single
 * services, then where the registries are, which know where its peers are, then
 * what is addressed to its service: RECOMMENDATIONS_LOG_LEVEL is LOG_LEVEL in
 * the processes of recommendations, and MARKETPLACE_RECOMMENDATIONS_HOST is
 * RECOMMENDATIONS_HOST in those of marketplace.
 *
 * @param placements all processes, with ports that are not 0.
 * @param data the folder of the stores.
 */
export function environmentOf(
  placement: Placement,
  placements: readonly Placement[],
  options: { env: NodeJS.ProcessEnv; data: string },
): Record<string, string> {
  const prefixes = placements.map(({ service }) => settingOf(service, ""));
  const own: Record<string, string> = {};
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.env)) {
    if (value === undefined || value === "") continue;
    const prefix = prefixes.find((candidate) => name.startsWith(candidate));
    if (prefix === settingOf(placement.service, "")) own[name.slice(prefix.length)] = value;
    if (prefix === undefined && !ONLY_WITH_PREFIX.includes(name)) environment[name] = value;
  }

  const registries = registriesOf(placements);
  if (registries.length > 0) environment.REGISTRIES = registries.join(",");
  // Spares each start but the first a good part of its time.
  environment.NODE_COMPILE_CACHE ??= join(options.data, "compile-cache");
  environment.DATABASE_URL = `sqlite:${join(options.data, `${placement.service.name}.db`)}`;
  environment[CREDENTIALS_DIR] = join(options.data, "credentials", placement.service.name);
  const { name, folder, environment: besides = {} } = placement.service;
  if (folder !== undefined) environment[folder] ??= join(options.data, name);
  // Whoever has set them for all processes knows better.
  for (const [variable, value] of Object.entries(besides)) environment[variable] ??= value;
  Object.assign(environment, own, { HOST: placement.host });
  if (placement.version !== undefined) environment.SERVICE_VERSION = placement.version;
  for (const [setting, port] of Object.entries(placement.ports)) environment[setting] = String(port);
  return environment;
}

/** The services to which `bookmesh up` issues certificates: those that are not told to get theirs elsewhere. */
export function servicesToCertify(env: NodeJS.ProcessEnv, placements: readonly Placement[]): string[] {
  const services = new Set(placements.map(({ service }) => service));
  return [...services].filter((service) => !env[settingOf(service, CREDENTIALS_DIR)]).map(({ name }) => name);
}

/** What to tell somebody who has given a setting to all services that only one of them can have. */
export function ignoredSettings(env: NodeJS.ProcessEnv, placements: readonly Placement[]): string[] {
  const example = placements[0];
  if (example === undefined) return [];
  // PORT and its like are too common in other people's environments to speak about.
  const names = ["DATABASE_URL", CREDENTIALS_DIR].filter((name) => env[name]);
  if (env.HOST && !hostForAll(env)) names.push("HOST");
  return names.map((name) => `${name} is ignored: give it to one service, as in ${settingOf(example.service, name)}`);
}
