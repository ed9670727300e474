import { type DescField, type DescMessage, type FileRegistry, getOption, hasOption, toBinary } from "@bufbuild/protobuf";
import { FieldPolicy } from "../gen/mesh/policy/v1/policy.ts";
import type { FieldViolation } from "./errors.ts";
import { type Check, refuseMisfits, rule, valueChecks } from "./value-rules.ts";

/** Finds what is wrong with a message as ts-proto makes it. */
type MessageCheck = (message: Record<string, unknown>, path: string, violations: FieldViolation[]) => void;

const FIRST_TIME = Date.parse("0001-01-01T00:00:00Z");
const LAST_TIME = Date.parse("9999-12-31T23:59:59.999Z");

const NO_RULES = FieldPolicy.fromPartial({});

/**
 * Compiles the field rules of a message, and of the messages in it.
 *
 * The compiled check takes a message as ts-proto decodes it and returns every
 * violation, in the order of the contract. Rules mean what the rules of the
 * same name mean in protovalidate. Two rules need no saying: no string may hold
 * a NUL, which PostgreSQL cannot store, and every Timestamp has to be a time.
 *
 * @throws MisfitError for a rule that no value of the field could break.
 */
export function compileRules(registry: FileRegistry, message: DescMessage): (request: object) => FieldViolation[] {
  const check = messageCheck(registry, message, new Map());
  return (request) => {
    const violations: FieldViolation[] = [];
    check(request as Record<string, unknown>, "", violations);
    return violations;
  };
}

function messageCheck(registry: FileRegistry, message: DescMessage, known: Map<DescMessage, MessageCheck>): MessageCheck {
  const earlier = known.get(message);
  if (earlier !== undefined) return earlier;
  const parts: MessageCheck[] = [];
  const check: MessageCheck = (value, path, violations) => {
    for (const part of parts) part(value, path, violations);
  };
  // Registered before the fields are compiled: a message may contain itself.
  known.set(message, check);

  for (const oneof of message.oneofs) {
    parts.push(oneofCheck(oneof.localName, oneof.fields, (field) => fieldCheck(registry, field, known)));
  }
  for (const field of message.fields) {
    if (field.oneof !== undefined) continue;
    const checkField = fieldCheck(registry, field, known);
    if (checkField === undefined) continue;
    const { localName, name } = field;
    parts.push((value, path, violations) => checkField(value[localName], join(path, name), violations));
  }
  return check;
}

/** What the contract of Timestamp has. ts-proto makes Dates also of what is none: of those nothing is true. */
const isTime = rule(
  (value) => (value as Date).getTime() >= FIRST_TIME && (value as Date).getTime() <= LAST_TIME,
  "must be a time in the years 1 to 9999",
);

/** messageCheck for a value of which only the contract knows that it is a message. */
function checkOfMessage(registry: FileRegistry, message: DescMessage, known: Map<DescMessage, MessageCheck>): Check {
  if (message.typeName === "google.protobuf.Timestamp") return isTime;
  const check = messageCheck(registry, message, known);
  return (value, path, violations) => check(value as Record<string, unknown>, path, violations);
}

function oneofCheck(
  localName: string,
  fields: readonly DescField[],
  compile: (field: DescField) => Check | undefined,
): MessageCheck {
  const checks = new Map(fields.map((field) => [field.localName, { name: field.name, check: compile(field) }]));
  return (message, path, violations) => {
    const chosen = message[localName] as { $case: string; value: unknown } | undefined;
    if (chosen === undefined) return;
    const member = checks.get(chosen.$case);
    member?.check?.(chosen.value, join(path, member.name), violations);
  };
}

function fieldCheck(registry: FileRegistry, field: DescField, known: Map<DescMessage, MessageCheck>): Check | undefined {
  const policy = fieldPolicyOf(registry, field);
  const checks: Check[] = [];
  if (policy.required) checks.push(isSet);

  if (field.fieldKind === "list") refuseMisfits("repeated", policy, field.name);
  if (field.fieldKind === "map") refuseMisfits("map", policy, field.name);
  if (field.fieldKind === "message") refuseMisfits(undefined, policy, field.name);

  switch (field.fieldKind) {
    case "scalar":
    case "enum":
      checks.push(...valueChecks(field, policy, field.name));
      break;
    case "message":
      checks.push(checkOfMessage(registry, field.message, known));
      break;
    case "list":
      checks.push(...listChecks(registry, field, policy, known));
      break;
    case "map":
      checks.push(...mapChecks(registry, field, policy, known));
      break;
  }
  if (checks.length === 0) return undefined;
  return (value, path, violations) => {
    // An optional field or a message that is not set breaks one rule at most: that it is required.
    if (value === undefined) {
      if (policy.required) violations.push({ field: path, description: "is required" });
      return;
    }
    const before = violations.length;
    for (const check of checks) {
      check(value, path, violations);
      // One violation a field: "is required" and "is too short" say the same.
      if (violations.length > before) return;
    }
  };
}

function isSet(value: unknown, path: string, violations: FieldViolation[]): void {
  const empty =
    value === "" ||
    value === 0 ||
    value === 0n ||
    value === false ||
    (Array.isArray(value) && value.length === 0) ||
    (value instanceof Map && value.size === 0) ||
    (value instanceof Uint8Array && value.length === 0);
  if (empty) violations.push({ field: path, description: "is required" });
}

function listChecks(
  registry: FileRegistry,
  field: DescField & { fieldKind: "list" },
  policy: FieldPolicy,
  known: Map<DescMessage, MessageCheck>,
): Check[] {
  const { minItems, maxItems, items } = policy.repeated ?? {};
  const checks: Check[] = [];
  if (minItems !== undefined) {
    checks.push(rule((value) => (value as unknown[]).length >= minItems, `must have at least ${minItems} items`));
  }
  if (maxItems !== undefined) {
    checks.push(rule((value) => (value as unknown[]).length <= maxItems, `must have at most ${maxItems} items`));
  }
  const ofEach: Check[] = [];
  if (field.listKind === "message") {
    ofEach.push(checkOfMessage(registry, field.message, known));
  } else {
    ofEach.push(...valueChecks(field, items ?? NO_RULES, field.name));
  }
  checks.push((value, path, violations) => {
    for (const [index, item] of (value as unknown[]).entries()) {
      for (const check of ofEach) check(item, `${path}[${index}]`, violations);
    }
  });
  return checks;
}

function mapChecks(
  registry: FileRegistry,
  field: DescField & { fieldKind: "map" },
  policy: FieldPolicy,
  known: Map<DescMessage, MessageCheck>,
): Check[] {
  const { maxPairs, keys, values } = policy.map ?? {};
  const checks: Check[] = [];
  if (maxPairs !== undefined) {
    checks.push(rule((value) => (value as Map<unknown, unknown>).size <= maxPairs, `must have at most ${maxPairs} entries`));
  }
  const keyChecks = valueChecks({ scalar: field.mapKey, enum: undefined }, keys ?? NO_RULES, field.name);
  const checksOfValues =
    field.mapKind === "message"
      ? [checkOfMessage(registry, field.message, known)]
      : valueChecks(field, values ?? NO_RULES, field.name);
  checks.push((value, path, violations) => {
    let index = 0;
    for (const [key, item] of value as Map<unknown, unknown>) {
      // Keys are the caller's own words, so an entry is named by its place.
      for (const check of keyChecks) check(key, `${path}[${index}].key`, violations);
      for (const check of checksOfValues) check(item, `${path}[${index}].value`, violations);
      index++;
    }
  });
  return checks;
}

/** The rules that the contract gives a field. */
export function fieldPolicyOf(registry: FileRegistry, field: DescField): FieldPolicy {
  const extension = registry.getExtension("mesh.policy.v1.field");
  if (extension?.message === undefined || !hasOption(field, extension)) return NO_RULES;
  return FieldPolicy.decode(toBinary(extension.message, getOption(field, extension) as never));
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
