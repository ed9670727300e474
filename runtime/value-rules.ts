import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import type { FieldPolicy } from "../gen/mesh/policy/v1/policy.ts";
import type { FieldViolation } from "./errors.ts";

/** Finds what is wrong with one value; `path` names it. */
export type Check = (value: unknown, path: string, violations: FieldViolation[]) => void;

/** What the type of a single value has to do with its checks. */
export interface ValueType {
  readonly scalar: ScalarType | undefined;
  readonly enum: DescEnum | undefined;
}

/** The pattern of the HTML standard for <input type=email>, which protovalidate uses too. */
const EMAIL =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

/** Thrown when a field has rules for values of another type. The message names the field. */
export class MisfitError extends Error {
  override readonly name = "MisfitError";
}

const RULES = ["string", "integer", "bytes", "enum", "repeated", "map"] as const;
const INTEGERS: ReadonlySet<ScalarType | undefined> = new Set([
  ScalarType.INT32,
  ScalarType.INT64,
  ScalarType.UINT32,
  ScalarType.UINT64,
  ScalarType.SINT32,
  ScalarType.SINT64,
  ScalarType.FIXED32,
  ScalarType.FIXED64,
  ScalarType.SFIXED32,
  ScalarType.SFIXED64,
]);

/**
 * The checks of a single value, or of each item of a list whose rules are in `policy`.
 *
 * @throws MisfitError for a rule that no value of the type could break.
 */
export function valueChecks(type: ValueType, policy: FieldPolicy, name: string): Check[] {
  refuseMisfits(rulesOf(type), policy, name);
  const checks: Check[] = [];
  if (type.scalar === ScalarType.STRING) checks.push(...stringChecks(policy));
  if (policy.integer !== undefined) checks.push(...integerChecks(policy.integer));
  if (policy.bytes?.maxLen !== undefined) checks.push(bytesCheck(policy.bytes.maxLen));
  if (policy.enum?.definedOnly && type.enum !== undefined) {
    const defined = new Set(type.enum.values.map((value) => value.number));
    checks.push(rule((value) => defined.has(value as number), "must be one of the values of the contract"));
  }
  return checks;
}

/** The kind of rules that values of a type can have. */
function rulesOf({ scalar, enum: values }: ValueType): (typeof RULES)[number] | undefined {
  if (values !== undefined) return "enum";
  if (scalar === ScalarType.STRING) return "string";
  if (scalar === ScalarType.BYTES) return "bytes";
  return INTEGERS.has(scalar) ? "integer" : undefined;
}

/** @param fitting the kind of rules that the field can have. @throws MisfitError if it has others. */
export function refuseMisfits(fitting: (typeof RULES)[number] | undefined, policy: FieldPolicy, name: string): void {
  const misfit = RULES.find((kind) => policy[kind] !== undefined && kind !== fitting);
  if (misfit !== undefined) throw new MisfitError(`${name} cannot have ${misfit} rules`);
}

function stringChecks(policy: FieldPolicy): Check[] {
  const checks = [rule((value) => !(value as string).includes("\0"), "must not contain NUL")];
  const { minLen, maxLen, pattern, email } = policy.string ?? {};
  if (maxLen !== undefined) {
    const most = Number(maxLen);
    // Code points are at most as many as UTF-16 units, so most strings need no counting.
    checks.push(
      rule(
        (value) => (value as string).length <= most || codePoints(value as string) <= most,
        `must be at most ${most} characters long`,
      ),
    );
  }
  if (minLen !== undefined) {
    const least = Number(minLen);
    const description = least === 1 ? "must not be empty" : `must be at least ${least} characters long`;
    checks.push(rule((value) => codePoints(value as string) >= least, description));
  }
  if (email) checks.push(rule((value) => EMAIL.test(value as string), "must be an e-mail address"));
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, "u");
    checks.push(rule((value) => expression.test(value as string), `must match ${pattern}`));
  }
  return checks;
}

function integerChecks(rules: NonNullable<FieldPolicy["integer"]>): Check[] {
  const { gte, lte } = rules;
  // A bigint compares with a number as one expects, so one check serves int32 and int64.
  const withinRange = (value: unknown) =>
    (gte === undefined || (value as number) >= gte) && (lte === undefined || (value as number) <= lte);
  const range =
    gte !== undefined && lte !== undefined
      ? `must be ${gte} to ${lte}`
      : gte !== undefined
        ? `must be at least ${gte}`
        : `must be at most ${lte}`;
  return [rule(withinRange, range)];
}

function bytesCheck(maxLen: bigint): Check {
  return rule((value) => (value as Uint8Array).length <= maxLen, `must be at most ${maxLen} bytes long`);
}

/** A check that says `description` of a value for which `holds` does not. */
export function rule(holds: (value: unknown) => boolean, description: string): Check {
  return (value, path, violations) => {
    if (!holds(value)) violations.push({ field: path, description });
  };
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
