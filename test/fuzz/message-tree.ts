import { type DescField, type DescMessage, type FileRegistry, ScalarType } from "@bufbuild/protobuf";
import { FieldPolicy } from "../../gen/mesh/policy/v1/policy.ts";
import type { Random } from "./random.ts";
import { numberBytes, policyOf, validInteger, validText, wireTypeOf } from "./values.ts";
import { type Source, type WireField, WireType } from "./wire.ts";

/** A message that holds itself is given so often. */
const MOST_OF_A_TYPE = 2;
const DEEPEST = 6;

interface Building {
  readonly registry: FileRegistry;
  readonly random: Random;
  /** Which member of a oneof is chosen: counts through all of them. */
  readonly variant: number;
}

/** A request that obeys its contract, with every field set that can be. */
export function validRequest(message: DescMessage, building: Building): WireField[] {
  return fieldsOf(message, "", [message], building);
}

/** In how many variants of a request every member of every oneof is chosen once. */
export function variantsOf(message: DescMessage, seen: ReadonlySet<DescMessage> = new Set()): number {
  if (seen.has(message)) return 1;
  const inside = new Set([...seen, message]);
  const own = message.oneofs.map(({ fields }) => fields.length);
  return Math.max(1, ...own, ...message.fields.map((field) => (field.message ? variantsOf(field.message, inside) : 1)));
}

function fieldsOf(message: DescMessage, path: string, within: readonly DescMessage[], building: Building): WireField[] {
  const chosen = new Set(message.oneofs.map(({ fields }) => fields[building.variant % fields.length]));
  return message.fields
    .filter((field) => field.oneof === undefined || chosen.has(field))
    .flatMap((field) => wireFieldsOf(field, path === "" ? field.name : `${path}.${field.name}`, within, building));
}

function wireFieldsOf(field: DescField, path: string, within: readonly DescMessage[], building: Building): WireField[] {
  const { number } = field;
  const policy = policyOf(building.registry, field);
  const source: Source = { field, part: "value", policy };
  const message = (inner: DescMessage, at: string): WireField[] => {
    if (within.filter((outer) => outer === inner).length >= MOST_OF_A_TYPE || within.length >= DEEPEST) return [];
    const value = fieldsOf(inner, at, [...within, inner], building);
    return [{ path: at, number, wireType: WireType.LENGTH, value, source }];
  };
  switch (field.fieldKind) {
    case "message":
      return message(field.message, path);
    case "list": {
      const count = Math.max(1, Number(policy.repeated?.minItems ?? 1n));
      const items = policy.repeated?.items ?? FieldPolicy.fromPartial({});
      return Array.from({ length: count }).flatMap((_, index) => {
        const at = `${path}[${index}]`;
        if (field.listKind === "message") return message(field.message, at);
        const kind = field.listKind === "enum" ? ScalarType.INT32 : field.scalar;
        return [single(field, kind, at, number, { ...source, policy: { ...items, sensitive: policy.sensitive } }, building)];
      });
    }
    case "map":
      return mapEntry(field, path, source, message, building);
    default:
      return [single(field, field.fieldKind === "enum" ? ScalarType.INT32 : field.scalar, path, number, source, building)];
  }
}

function mapEntry(
  field: DescField & { fieldKind: "map" },
  path: string,
  { policy }: Source,
  message: (inner: DescMessage, at: string) => WireField[],
  building: Building,
): WireField[] {
  const none = FieldPolicy.fromPartial({});
  const rules = (of: FieldPolicy | undefined) => ({ ...(of ?? none), sensitive: policy.sensitive });
  const keySource: Source = { field, part: "key", policy: rules(policy.map?.keys) };
  const valueSource: Source = { field, part: "value", policy: rules(policy.map?.values) };
  const key = single(field, field.mapKey, `${path}[0].key`, 1, keySource, building);
  const values =
    field.mapKind === "message"
      ? message(field.message, `${path}[0].value`).map((value) => ({ ...value, number: 2 }))
      : [single(field, field.mapKind === "enum" ? ScalarType.INT32 : field.scalar, `${path}[0].value`, 2, valueSource, building)];
  const entry: Source = { field, part: "entry", policy };
  return [{ path: `${path}[0]`, number: field.number, wireType: WireType.LENGTH, value: [key, ...values], source: entry }];
}

function single(
  field: DescField,
  scalar: ScalarType,
  path: string,
  number: number,
  source: Source,
  { random }: Building,
): WireField {
  const { policy } = source;
  const bytes = (): Uint8Array => {
    if (field.enum !== undefined && source.part === "value") {
      const named = field.enum.values.map((value) => value.number).filter((value) => value !== 0 || !policy.required);
      return numberBytes(scalar, BigInt(random.pick(named)));
    }
    if (scalar === ScalarType.STRING) return Buffer.from(validText(field.name, policy, random));
    if (scalar === ScalarType.BYTES) return random.bytes(Math.min(4, Number(policy.bytes?.maxLen ?? 4n)));
    return numberBytes(scalar, scalar === ScalarType.BOOL ? 1n : validInteger(field.name, policy, random));
  };
  return { path, number, wireType: wireTypeOf(scalar), value: bytes(), source };
}
