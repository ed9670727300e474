import { isUtf8 } from "node:buffer";
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { wireTypeOf } from "./values.ts";
import { WireType } from "./wire.ts";

/** What is to be thought of the bytes of a message, by the letter of the encoding. */
export interface Verdict {
  /** No message stands like this on the wire. "perhaps": implementations may differ. */
  readonly malformed: boolean | "perhaps";
  /** The strings that are no UTF-8. Empty if it is malformed. */
  readonly noText: readonly string[];
}

class Malformed extends Error {}

/** What some implementations take. */
class Doubtful extends Error {}

/** Deeper messages may be refused: every implementation has a limit. */
const DEPTH_ALL_TAKE = 90;

/** Reads a message slowly and strictly: what the servers do fast is held against it. */
export function readStrictly(message: DescMessage, bytes: Uint8Array): Verdict {
  const noText: string[] = [];
  try {
    readMessage(Buffer.from(bytes), message, "", noText, 0);
    return { malformed: false, noText };
  } catch (error) {
    if (error instanceof Malformed) return { malformed: true, noText: [] };
    if (error instanceof Doubtful) return { malformed: "perhaps", noText: [] };
    throw error;
  }
}

function readMessage(bytes: Buffer, message: DescMessage, path: string, noText: string[], depth: number): void {
  if (depth > DEPTH_ALL_TAKE) throw new Doubtful("depth");
  const counts = new Map<DescField, number>();
  for (let at = 0; at < bytes.length; ) {
    const { value: tag, end } = varintAt(bytes, at);
    if (tag >= 2n ** 32n || end - at > 5) throw new Doubtful("tag");
    const [number, wireType] = [Number(tag >> 3n), Number(tag & 7n)];
    const next = endOf(bytes, end, wireType, number, 0);
    const field = message.fields.find((one) => one.number === number);
    if (field !== undefined && wireType === WireType.LENGTH) {
      const index = counts.get(field) ?? 0;
      counts.set(field, index + 1);
      const { end: from } = varintAt(bytes, end);
      const at = path === "" ? field.name : `${path}.${field.name}`;
      readField(bytes.subarray(from, next), field, at, index, noText, depth);
    }
    at = next;
  }
}

function readField(value: Buffer, field: DescField, path: string, index: number, noText: string[], depth: number): void {
  const listed = field.fieldKind === "list" || field.fieldKind === "map" ? `${path}[${index}]` : path;
  if (field.fieldKind === "map") readEntry(value, field, listed, noText, depth);
  else if (field.message !== undefined) readMessage(value, field.message, listed, noText, depth + 1);
  else if (field.scalar === ScalarType.STRING && !isUtf8(value)) noText.push(listed);
  else if (field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES && field.fieldKind === "list") {
    readPacked(value, field.scalar);
  }
}

function readEntry(value: Buffer, field: DescField & { fieldKind: "map" }, path: string, noText: string[], depth: number): void {
  for (let at = 0; at < value.length; ) {
    const { value: tag, end } = varintAt(value, at);
    const [number, wireType] = [Number(tag >> 3n), Number(tag & 7n)];
    const next = endOf(value, end, wireType, number, 0);
    if (wireType === WireType.LENGTH) {
      const part = value.subarray(varintAt(value, end).end, next);
      if (number === 1 && field.mapKey === ScalarType.STRING && !isUtf8(part)) noText.push(`${path}.key`);
      if (number === 2 && field.scalar === ScalarType.STRING && !isUtf8(part)) noText.push(`${path}.value`);
      if (number === 2 && field.message !== undefined) readMessage(part, field.message, `${path}.value`, noText, depth + 2);
    }
    at = next;
  }
}

function readPacked(value: Buffer, scalar: ScalarType | undefined): void {
  const wireType = scalar === undefined ? WireType.VARINT : wireTypeOf(scalar);
  for (let at = 0; at < value.length; ) at = endOf(value, at, wireType, 1, 0);
}

/** Where the value ends that begins here. */
function endOf(bytes: Buffer, at: number, wireType: number, number: number, depth: number): number {
  if (number === 0) throw new Malformed("field number");
  const end = (() => {
    switch (wireType) {
      case WireType.VARINT:
        return varintAt(bytes, at).end;
      case WireType.BITS_64:
        return at + 8;
      case WireType.BITS_32:
        return at + 4;
      case WireType.LENGTH: {
        const { value, end } = varintAt(bytes, at);
        return end + Number(value);
      }
      case WireType.GROUP:
        return endOfGroup(bytes, at, number, depth + 1);
      default:
        throw new Malformed("wire type");
    }
  })();
  if (end > bytes.length) throw new Malformed("length");
  return end;
}

function endOfGroup(bytes: Buffer, from: number, group: number, depth: number): number {
  if (depth > DEPTH_ALL_TAKE) throw new Doubtful("depth");
  for (let at = from; ; ) {
    const { value: tag, end } = varintAt(bytes, at);
    const [number, wireType] = [Number(tag >> 3n), Number(tag & 7n)];
    if (wireType === WireType.END_GROUP) {
      if (number !== group) throw new Malformed("end of another group");
      return end;
    }
    at = endOf(bytes, end, wireType, number, depth);
  }
}

function varintAt(bytes: Buffer, from: number): { value: bigint; end: number } {
  let value = 0n;
  for (let at = from, shift = 0n; at < from + 10; at++, shift += 7n) {
    const byte = bytes[at];
    if (byte === undefined) throw new Malformed("varint");
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (value >= 2n ** 64n) throw new Doubtful("more than 64 bits");
      return { value, end: at + 1 };
    }
  }
  throw new Malformed("varint");
}
