import { z } from "zod";
import { logLevels } from "./logger.ts";

/** The exit status of a process whose settings are wrong (EX_USAGE of sysexits.h). */
export const EXIT_BAD_CONFIG = 64;

/** A TCP port. 0 lets the system choose. */
export const port = z.coerce.number().int().min(0).max(65_535);

/** "host" or "host:port" of a peer; an IPv6 address with a port stands in brackets. */
export function peerAddress(defaultPort: number) {
  return z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/, "Expected host or host:port")
    .transform((value) => (/:\d+$/.test(value.replace(/^\[.*\]/, "")) ? value : `${value}:${defaultPort}`));
}

/** A store: sqlite:<path> or postgres://user:password@host/database. */
export const databaseUrl = z
  .string()
  .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, "Expected sqlite:<path> or postgres://user:password@host/database");

/**
 * The settings that every service has.
 *
 * @param defaults the ports the service listens on when nothing is set.
 */
export function serviceSettings(defaults: { port: number; adminPort: number }) {
  return {
    /** The address to listen on. Plaintext never leaves the machine by default. */
    HOST: z.string().min(1).default("127.0.0.1"),
    PORT: port.default(defaults.port),
    /** Where /livez, /readyz and /metrics are served. */
    ADMIN_PORT: port.default(defaults.adminPort),
    LOG_LEVEL: z.enum(logLevels).default("info"),
    /** How long calls in flight may take to finish when the process stops. */
    SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(3_600_000).default(30_000),
    /** How many calls may be worked on at once before new ones are refused. */
    MAX_CALLS_IN_FLIGHT: z.coerce.number().int().min(1).default(1_000),
    /** How many streams may be open at once before new ones are refused. */
    MAX_OPEN_STREAMS: z.coerce.number().int().min(1).default(12_000),
  };
}

/** Thrown for settings that cannot be used. The message lists every one of them. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** ADMIN_PORT in the environment is adminPort in the program. */
type CamelCase<Name> = Name extends `${infer Head}_${infer Rest}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<Name & string>;

export type Config<Schema extends z.ZodObject> = {
  [Name in keyof z.output<Schema> as CamelCase<Name>]: z.output<Schema>[Name];
};

/**
 * Parses the environment by a schema, whose keys are the names of the variables.
 *
 * @throws ConfigError listing all variables that are wrong.
 */
export function parseConfig<Schema extends z.ZodObject>(schema: Schema, env: NodeJS.ProcessEnv): Config<Schema> {
  // FOO= in an env file means "not set", as for most programs.
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const result = schema.safeParse(set);
  if (result.success) {
    return Object.fromEntries(Object.entries(result.data).map(([name, value]) => [camelCase(name), value])) as Config<Schema>;
  }
  const lines = result.error.issues.map((issue) => `  ${issue.path.join(".")}: ${issue.message}`);
  throw new ConfigError(["bad configuration", ...lines].join("\n"));
}

/** As parseConfig, but prints what is wrong and ends the process with status 64. */
export function readConfig<Schema extends z.ZodObject>(schema: Schema, env: NodeJS.ProcessEnv): Config<Schema> {
  try {
    return parseConfig(schema, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_BAD_CONFIG);
  }
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
