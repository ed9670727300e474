import type { DescField } from "@bufbuild/protobuf";
import type { FieldPolicy } from "../../gen/mesh/policy/v1/policy.ts";

/** How a value stands on the wire (protobuf encoding, "Message structure"). */
export const WireType = { VARINT: 0, BITS_64: 1, LENGTH: 2, GROUP: 3, END_GROUP: 4, BITS_32: 5 } as const;
export type WireType = (typeof WireType)[keyof typeof WireType];

/** One field of a message as it stands on the wire. */
export interface WireField {
  /** As violations name it: "instance.metadata[0].key". */
  readonly path: string;
  readonly number: number;
  readonly wireType: number;
  /** Behind the tag, and behind the length where there is one. A list is a message. */
  readonly value: Uint8Array | readonly WireField[];
  /** What the contract says about it. */
  readonly source: Source;
}

/** Where in the contract a field of the wire comes from. */
export interface Source {
  readonly field: DescField;
  /** A map has two strings in one field. */
  readonly part: "value" | "key" | "entry";
  readonly policy: FieldPolicy;
}

export function encode(fields: readonly WireField[]): Buffer {
  return Buffer.concat(fields.map(encodeField));
}

export function encodeField({ number, wireType, value }: WireField): Buffer {
  const bytes = isMessage(value) ? encode(value) : value;
  const length = wireType === WireType.LENGTH ? varint(bytes.length) : Buffer.alloc(0);
  return Buffer.concat([tag(number, wireType), length, bytes]);
}

export function tag(number: number, wireType: number): Buffer {
  return varint((BigInt(number) << 3n) | BigInt(wireType));
}

/** Negative numbers take ten bytes, as the encoding has it. */
export function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** A field with its length in front. */
export function delimited(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([tag(number, WireType.LENGTH), varint(bytes.length), bytes]);
}

export function isMessage(value: WireField["value"]): value is readonly WireField[] {
  return Array.isArray(value);
}

/** Every field of a message, those of the messages in it included. */
export function allFields(fields: readonly WireField[]): WireField[] {
  return fields.flatMap((field) => [field, ...(isMessage(field.value) ? allFields(field.value) : [])]);
}

/** The message with other bytes in place of one of its fields, wherever it is. */
export function replace(fields: readonly WireField[], target: WireField, bytes: Uint8Array): Buffer {
  return Buffer.concat(
    fields.map((field) => {
      if (field === target) return Buffer.from(bytes);
      if (!isMessage(field.value)) return encodeField(field);
      return delimited(field.number, replace(field.value, target, bytes));
    }),
  );
}
