import { Instance, Protocol } from "../../../gen/mesh/registry/v1/instance.ts";
import { contracts } from "../../../runtime/contracts.ts";
import { Failure, type FieldViolation } from "../../../runtime/errors.ts";
import { compileRules } from "../../../runtime/field-rules.ts";

/**
 * The metadata in which an instance keeps the path of the URL that it has registered, without a slash at its end.
 *
 * The contract has an address and a port only.
 */
export const BASE_PATH = "http.base-path";

/** What a program wants registered that speaks no gRPC. */
export interface Registration {
  /** Without an address. */
  instance: Instance;
  /** A host name, or an IP address without brackets. */
  host: string;
}

const URL_START = /^http:\/\/[^/\\\s]/i;
const NOT_PRINTABLE = /[^!-~]/;
const LONGEST_URL = 2_048;
const LONGEST_HOST = 253;

/** The fields of the contract, by the names that they have in the body. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ["service", "name"],
  ["id", "name"],
  ["address", "url"],
  ["port", "url"],
  ["metadata", "url"],
  ["health_check_path", "health_check_url"],
]);

const violationsOf = compileRules(contracts, instanceDescription());

function instanceDescription() {
  const description = contracts.getMessage("mesh.registry.v1.Instance");
  if (description === undefined) throw new Error("no contract for mesh.registry.v1.Instance");
  return description;
}

/** @throws Failure that names each field that is missing or wrong. */
export function parseRegistration(body: unknown): Registration {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Failure("invalid", "The body must be a JSON object with name and url");
  }
  const fields = body as Record<string, unknown>;
  const violations: FieldViolation[] = [];
  const take = (field: string): string => {
    const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (typeof value === "string" && value !== "") return value;
    violations.push({
      field,
      description: value === undefined || value === null || value === "" ? "is required" : "must be a string",
    });
    return "";
  };
  const check = (field: string, text: string): URL | undefined => {
    if (text === "") return undefined;
    const url = parseUrl(text);
    if (typeof url !== "string") return url;
    violations.push({ field, description: url });
    return undefined;
  };

  const name = take("name");
  const url = check("url", take("url"));
  if (url?.search) violations.push({ field: "url", description: "must have no query" });
  const basePath = url?.pathname.replace(/\/+$/, "") ?? "";
  const given = Object.hasOwn(fields, "health_check_url") && fields.health_check_url !== null;
  const health = given ? check("health_check_url", take("health_check_url")) : undefined;
  if (url !== undefined && health !== undefined && health.host !== url.host) {
    violations.push({ field: "health_check_url", description: "must have the host and the port of url" });
  }
  const instance = Instance.fromPartial({
    service: name,
    port: url === undefined ? 1 : Number(url.port || "80"),
    protocol: Protocol.PROTOCOL_HTTP,
    metadata: new Map(basePath === "" ? [] : [[BASE_PATH, basePath]]),
    healthCheckPath: health === undefined ? `${basePath}/health` : health.pathname + health.search,
  });
  const known = new Set(violations.map(({ field }) => field));
  violations.push(...namedAsInBody(violationsOf(instance)).filter(({ field }) => !known.has(field)));
  if (violations.length > 0) throw failureOf(violations);
  return { instance, host: url?.hostname.replace(/^\[|\]$/g, "") ?? "" };
}

/** A failure of Register, in the names of the body. */
export function inFieldsOfBody(failure: Failure): Failure {
  return failure.violations.length === 0 ? failure : failureOf(namedAsInBody(failure.violations));
}

/** @returns what is wrong with it, if it is none that can be called. */
function parseUrl(text: string): URL | string {
  if (text.length > LONGEST_URL) return `must be at most ${LONGEST_URL} characters long`;
  // What the parser would mend or leave out is refused: a URL means the same to everybody, or nothing.
  const url = URL_START.test(text) && !NOT_PRINTABLE.test(text) ? URL.parse(text) : null;
  if (url === null) return "must be as in http://host:port";
  if (url.username !== "" || url.password !== "") return "must have no user name and no password";
  return url.hostname.length > LONGEST_HOST ? "must have a shorter host name" : url;
}

function namedAsInBody(violations: readonly FieldViolation[]): FieldViolation[] {
  return violations.map(({ field, description }) => {
    const [own = ""] = /^\w+/.exec(field.replace(/^instance\./, "")) ?? [];
    return { field: FIELDS.get(own) ?? field, description };
  });
}

function failureOf(violations: readonly FieldViolation[]): Failure {
  const sentences = violations.map(({ field, description }) => `${field} ${description}`);
  return new Failure("invalid", sentences.join("; "), { violations });
}
