import { z } from "zod";
import { logLevels } from "./logger.ts";

/** The exit status of a process whose settings are wrong (EX_USAGE of sysexits.h). */
export const EXIT_BAD_CONFIG = 64;

/** A TCP port. 0 lets the system choose. */
export const port = z.coerce.number().int().min(0).max(65_535);

/** "host" or "host:port" of a peer; an IPv6 address with a port stands in brackets. */
function peerAddress(defaultPort: number) {
  return z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/, "Expected host or host:port")
    .transform((value) => (/:\d+$/.test(value.replace(/^\[.*\]/, "")) ? value : `${value}:${defaultPort}`));
}

/** "host:port" of a registry, or of several, separated by commas; "none" where there is no control plane. */
const registries = z
  .string()
  .regex(/^(none|(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}(,(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5})*)$/, {
    error: "Expected host:port, several of them separated by commas, or none",
  })
  .transform((value) => (value === "none" ? [] : value.split(",")));

/** Where the mesh finds a service: "xds:///<service>" unless the setting names an address or another gRPC target. */
export function peer(service: string, defaultPort: number) {
  const target = z.string().regex(/^(xds|dns|ipv4|ipv6|unix):.+$/);
  return z
    .union([target, peerAddress(defaultPort)], { error: "Expected host, host:port or a gRPC target" })
    .default(`xds:///${service}`);
}

/** A store: sqlite:<path> or postgres://user:password@host/database. */
export const databaseUrl = z
  .string()
  .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, "Expected sqlite:<path> or postgres://user:password@host/database");

/**
 * The settings that every service has.
 *
 * @param service the name of the service.
 * @param defaults the ports the service listens on when nothing is set, and how many streams it has open at most
 *   where more than 1,000 are its business: each takes about 30 KiB.
 */
export function serviceSettings(service: string, defaults: { port: number; adminPort: number; maxOpenStreams?: number }) {
  return {
    /** The address to listen on. */
    HOST: z.string().min(1).default("127.0.0.1"),
    PORT: port.default(defaults.port),
    /** Where /livez, /readyz and /metrics are served. */
    ADMIN_PORT: port.default(defaults.adminPort),
    /** The folder with ca.crt, tls.crt and tls.key: who this process is, and whom it trusts. */
    CREDENTIALS_DIR: z.string().min(1).default(`.bookmesh/credentials/${service}`),
    /** Where to register, and whom to ask for routes and endpoints. */
    REGISTRIES: registries.prefault("localhost:50050"),
    /** The IP address under which others reach this process, where it is not the one that the registries see. */
    ADVERTISED_ADDRESS: z.union([z.ipv4(), z.ipv6()], { error: "Expected an IP address" }).optional(),
    /** The version of this instance: what a split goes by. */
    SERVICE_VERSION: z
      .string()
      .regex(/^[A-Za-z0-9][-A-Za-z0-9._]{0,62}$/, "Expected a name such as v2")
      .default("v1"),
    /** Where this instance is, such as a zone of a cloud. */
    ZONE: z
      .string()
      .regex(/^([A-Za-z0-9][-A-Za-z0-9._]{0,62})?$/, "Expected a name such as europe-west1-b")
      .default(""),
    /** The share of this instance under weighted balancing, against the weights of others. */
    INSTANCE_WEIGHT: z.coerce.number().int().min(1).max(1_000).default(1),
    LOG_LEVEL: z.enum(logLevels).default("info"),
    /** How long calls in flight may take to finish when the process stops. */
    SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(3_600_000).default(30_000),
    /** How many calls may be worked on at once before new ones are refused. */
    MAX_CALLS_IN_FLIGHT: z.coerce.number().int().min(1).default(1_000),
    /** How many streams may be open at once before new ones are refused. */
    MAX_OPEN_STREAMS: z.coerce
      .number()
      .int()
      .min(1)
      .default(defaults.maxOpenStreams ?? 1_000),
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
  const unreachable = result.success ? withoutRegistry(result.data, env) : [];
  if (result.success && unreachable.length === 0) {
    return Object.fromEntries(Object.entries(result.data).map(([name, value]) => [camelCase(name), value])) as Config<Schema>;
  }
  const issues = result.error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`) ?? unreachable;
  throw new ConfigError(["bad configuration", ...issues.map((issue) => `  ${issue}`)].join("\n"));
}

/** What is wrong with peers that only a control plane could find, where there is none. */
function withoutRegistry(settings: Record<string, unknown>, env: NodeJS.ProcessEnv): string[] {
  const { REGISTRIES: known } = settings;
  if (!Array.isArray(known) || known.length > 0 || env.GRPC_XDS_BOOTSTRAP || env.GRPC_XDS_BOOTSTRAP_CONFIG) return [];
  return Object.entries(settings)
    .filter(([, value]) => typeof value === "string" && value.startsWith("xds:"))
    .map(([name]) => `${name}: Expected an address, as REGISTRIES is none`);
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
