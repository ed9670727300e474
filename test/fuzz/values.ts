import { type DescField, type FileRegistry, getOption, hasOption, ScalarType, toBinary } from "@bufbuild/protobuf";
import { FieldPolicy } from "../../gen/mesh/policy/v1/policy.ts";
import type { FieldViolation } from "../../runtime/errors.ts";
import { valueChecks } from "../../runtime/value-rules.ts";
import type { Random } from "./random.ts";
import { varint, WireType } from "./wire.ts";

/** Stands in fields that are sensitive: what may be in no log line and no status. */
export const CANARY = "Canary-4e5f";

const CANARY_ADDRESS = `${CANARY}@example.com`;

/** Whom all tokens of the target are of. */
export const USER_ID = "7000000";
/** What the user has, or had before somebody took it away. */
export const ORDER_ID = "order-1";
export const DOCUMENT_ID = "document-1";
export const UPLOAD_ID = "upload-1";

/** Texts with which requests get somewhere: of whom and what the target knows. */
const MEANINGFUL: Readonly<Record<string, readonly string[]>> = {
  user_id: [USER_ID, "7000001"],
  author_user_id: [USER_ID, "7000001", ""],
  service: ["orders", "reviews"],
  instance_id: ["orders-1"],
  id: ["orders-1", "orders-2"],
  address: ["127.0.0.1"],
  client_address: ["192.0.2.1", "2001:db8::1"],
  payment_token: ["tok_ok", CANARY],
  language: ["en", "de-AT"],
  country: ["AT", ""],
  page_token: [""],
  order_id: [ORDER_ID],
  document_id: [DOCUMENT_ID, ""],
  upload_id: [UPLOAD_ID],
  review_id: ["review-1", "review-2"],
  source: ["orders", "reviews"],
  currency_code: ["USD"],
  content_type: ["text/plain", "application/pdf"],
  sha256: ["0".repeat(64)],
  from: ["22:00"],
  to: ["07:30"],
  time_zone: ["Europe/Vienna", "UTC"],
  type_url: ["type.googleapis.com/envoy.config.listener.v3.Listener"],
};

/** Some text fits each pattern of the contracts. */
const TEXTS = ["hello", "en", "a", "/a", "7", "a@example.com", "", "abc", "v1", "1000001"];

/** The rules that a contract gives a field. */
export function policyOf(registry: FileRegistry, field: DescField): FieldPolicy {
  const extension = registry.getExtension("mesh.policy.v1.field");
  if (extension?.message === undefined || !hasOption(field, extension)) return FieldPolicy.fromPartial({});
  return FieldPolicy.decode(toBinary(extension.message, getOption(field, extension) as never));
}

/** A text that obeys the rules. */
export function validText(name: string, policy: FieldPolicy, random: Random): string {
  const obeys = obeying(name, policy);
  const { minLen = 0n, maxLen = 100n } = policy.string ?? {};
  const sized = "x".repeat(Number(minLen > 0n ? minLen : maxLen));
  const meaningful = random.sample(MEANINGFUL[name] ?? (policy.sensitive ? [CANARY, CANARY_ADDRESS] : []), 2);
  const found = [...meaningful, ...random.sample(TEXTS, TEXTS.length), sized].find(obeys);
  if (found === undefined) throw new Error(`no text for ${name}: teach values.ts one`);
  return found;
}

function obeying(name: string, policy: FieldPolicy): (text: string) => boolean {
  const type = { scalar: ScalarType.STRING, enum: undefined };
  const checks = valueChecks(type, { ...policy, required: false }, name);
  return (text) => {
    const violations: FieldViolation[] = [];
    for (const check of checks) check(text, name, violations);
    return violations.length === 0 && !(policy.required && text === "");
  };
}

/** An integer that obeys the rules. */
export function validInteger(name: string, { integer, required }: FieldPolicy, random: Random): bigint {
  // In google.protobuf.Timestamp and Duration nothing else is always allowed.
  if (name === "nanos") return 0n;
  const least = integer?.gte ?? (required ? 1n : 0n);
  const most = integer?.lte ?? least + 5n;
  return least + BigInt(random.below(Number(most - least > 5n ? 5n : most - least) + 1));
}

/** How values of a scalar type stand on the wire. */
export function wireTypeOf(scalar: ScalarType): WireType {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LENGTH;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.BITS_64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.BITS_32;
    default:
      return WireType.VARINT;
  }
}

/** The bytes of a number of some type, cut to its width. */
export function numberBytes(scalar: ScalarType, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  const wireType = wireTypeOf(scalar);
  if (wireType === WireType.BITS_64) return bytes;
  if (wireType === WireType.BITS_32) return bytes.subarray(0, 4);
  if (scalar === ScalarType.SINT32 || scalar === ScalarType.SINT64) return varint((value << 1n) ^ (value >> 63n));
  return varint(value);
}
