import { ScalarType } from "@bufbuild/protobuf";
import { INTEGERS, KEYS, NO_UTF8, TEXTS, VARINTS } from "./hostile-values.ts";
import type { Random } from "./random.ts";
import { CANARY, numberBytes } from "./values.ts";
import {
  delimited,
  encode,
  encodeField,
  isMessage,
  replace,
  type Source,
  tag,
  varint,
  type WireField,
  WireType,
} from "./wire.ts";

const LARGER_THAN_ALLOWED = 1_100_000;

/** One way to spoil a request. */
export interface Mutation {
  /** Under which it is counted. */
  readonly kind: string;
  /** What tells it from others of its kind. */
  readonly about: string;
  bytes(): Buffer;
  /** The field that a refusal has to name. */
  readonly breaks?: string | undefined;
  /** The text that is made none of. */
  readonly text?: Source;
}

/** All that is done to single fields of a request, in groups of the same kind and field. */
export function fieldMutations(request: readonly WireField[], field: WireField, random: Random): Mutation[][] {
  const { path, number } = field;
  const spoil = (kind: string, about: string, bytes: () => Uint8Array, breaks?: string): Mutation => ({
    ...{ kind, about: `${path}: ${about}`, breaks },
    bytes: () => replace(request, field, bytes()),
  });
  const groups = [
    wireTypes(field).map(([about, bytes]) => spoil("wrong wire type", about, () => bytes)),
    lengths(field).map(([about, bytes]) => spoil("wrong length", about, () => bytes)),
    [spoil("field left out", "gone", () => Buffer.alloc(0), isRequired(field) ? path : undefined)],
    [
      spoil("field repeated", "twice", () => Buffer.concat([encodeField(field), encodeField(field)])),
      spoil("field repeated", "2,000 times", () => many(field, 2_000)),
      spoil("field repeated", "100,000 times", () => many(field, 100_000)),
    ],
  ];
  if (isText(field)) {
    const text = (value: Uint8Array) => delimited(number, value);
    groups.push(
      Object.entries(NO_UTF8).map(([about, bytes]) => {
        const around = random.pick(["", field.source.policy.sensitive ? CANARY : "a", "ü".repeat(100)]);
        const spoilt = spoil("invalid UTF-8", about, () => text(Buffer.concat([Buffer.from(around), bytes])));
        return { ...spoilt, text: field.source };
      }),
      Object.entries(TEXTS).map(([about, value]) =>
        spoil("hostile text", about, () => text(Buffer.from(value)), about === "NUL" ? path : undefined),
      ),
      [10_000, 60_000, 1_000_000].map((length) =>
        spoil("long text", `${length} characters`, () => text(Buffer.alloc(length, random.pick(["x", "é", "😀"])))),
      ),
    );
  } else if (field.wireType !== WireType.LENGTH) {
    groups.push(numbers(field).map(([about, bytes, breaks]) => spoil(kindOfNumber(field), about, () => bytes, breaks)));
  }
  if (field.source.part === "entry") groups.push(keys(field).map(([about, bytes]) => spoil("map keys", about, bytes)));
  return groups.filter((group) => group.length > 0);
}

/** Whether the request is refused without it. A list that lacks one of its items is another matter. */
function isRequired({ path, source }: WireField): boolean {
  return source.policy.required && source.part === "value" && !path.endsWith("]") && source.field.oneof === undefined;
}

/** So often, or as often as makes more than any server takes. */
function many(field: WireField, count: number): Buffer {
  const once = encodeField(field);
  return Buffer.concat(Array(Math.min(count, Math.ceil(LARGER_THAN_ALLOWED / once.length))).fill(once));
}

export function isText({ wireType, value, source: { field, part } }: WireField): boolean {
  if (wireType !== WireType.LENGTH || isMessage(value)) return false;
  const scalar = part === "key" && field.fieldKind === "map" ? field.mapKey : field.scalar;
  return scalar === ScalarType.STRING;
}

function wireTypes(field: WireField): [string, Buffer][] {
  const bytes = isMessage(field.value) ? encode(field.value) : Buffer.from(field.value);
  const values: Readonly<Record<number, Buffer>> = {
    [WireType.VARINT]: varint(7),
    [WireType.BITS_64]: Buffer.alloc(8, 0x41),
    [WireType.LENGTH]: Buffer.concat([varint(bytes.length), bytes]),
    [WireType.GROUP]: Buffer.concat([bytes, tag(field.number, WireType.END_GROUP)]),
    [WireType.END_GROUP]: Buffer.alloc(0),
    [WireType.BITS_32]: Buffer.alloc(4, 0x41),
    6: Buffer.alloc(0),
    7: varint(7),
  };
  return Object.entries(values)
    .filter(([wireType]) => Number(wireType) !== field.wireType)
    .map(([wireType, value]) => [`as ${wireType}`, Buffer.concat([tag(field.number, Number(wireType)), value])]);
}

function lengths(field: WireField): [string, Buffer][] {
  if (field.wireType !== WireType.LENGTH) return [];
  const bytes = isMessage(field.value) ? encode(field.value) : Buffer.from(field.value);
  const claimed: Readonly<Record<string, number | bigint>> = {
    "one too many": bytes.length + 1,
    "one too few": Math.max(0, bytes.length - 1),
    "2 GiB": 2n ** 31n,
    "4 GiB": 2n ** 32n - 1n,
    "more than there is": 2n ** 63n - 1n,
    negative: -1n,
    none: 0,
  };
  return Object.entries(claimed).map(([about, length]) => [
    about,
    Buffer.concat([tag(field.number, WireType.LENGTH), varint(length), bytes]),
  ]);
}

function numbers({ number, wireType, path, source: { field, part, policy } }: WireField): [string, Buffer, string | undefined][] {
  const scalar = (part === "key" && field.fieldKind === "map" ? field.mapKey : field.scalar) ?? ScalarType.INT32;
  const of = (value: bigint): [string, Buffer, string | undefined] => {
    const { gte = value, lte = value } = policy.integer ?? {};
    const fits = value >= -(2n ** 31n) && value < 2n ** 31n;
    const unsigned = scalar === ScalarType.UINT32 || scalar === ScalarType.UINT64;
    const outside = fits && !(unsigned && value < 0n) && (value < gte || value > lte);
    const undefinedValue =
      policy.enum?.definedOnly && fits && !field.enum?.values.some((defined) => BigInt(defined.number) === value);
    const bytes = Buffer.concat([tag(number, wireType), numberBytes(scalar, value)]);
    return [String(value), bytes, outside || undefinedValue ? path : undefined];
  };
  const broken = Object.entries(VARINTS).map(([about, bytes]) => {
    return [about, Buffer.concat([tag(number, WireType.VARINT), bytes]), undefined] as [string, Buffer, undefined];
  });
  return [...[...INTEGERS, ...(field.enum === undefined ? [] : [7n, 999_999n])].map(of), ...broken];
}

function kindOfNumber({ source: { field, part } }: WireField): string {
  return field.enum !== undefined && part === "value" ? "unknown enum" : "extreme number";
}

function keys(entry: WireField): [string, () => Buffer][] {
  const [key, ...rest] = entry.value as readonly WireField[];
  if (key === undefined || !isText(key)) return [];
  const withKey = (text: string) => delimited(entry.number, Buffer.concat([delimited(1, Buffer.from(text)), encode(rest)]));
  const many = (count: number) => Buffer.concat(Array.from({ length: count }, (_, index) => withKey(`k${index}`)));
  return [
    ...KEYS.map((text): [string, () => Buffer] => [JSON.stringify(text), () => withKey(text)]),
    ["the same twice", () => Buffer.concat([encodeField(entry), encodeField(entry)])],
    ["no key and no value", () => delimited(entry.number, Buffer.alloc(0))],
    ["no value", () => delimited(entry.number, encodeField(key))],
    ["a thousand", () => many(1_000)],
    ["ten thousand", () => many(10_000)],
    ["all of them hostile", () => Buffer.concat(KEYS.map(withKey))],
  ];
}
