import { isUtf8 } from "node:buffer";
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";

/**
 * What is wrong with the bytes of a message: they are no message at all, or the
 * field at a path ("authors[2].name") is text and no UTF-8. Undefined: nothing.
 */
export type WireProblem = { readonly kind: "malformed" } | { readonly kind: "no text"; readonly field: string };

/** As deep as the decoders go that ts-proto makes. */
const DEEPEST = 100;
/** Up to this length a loop is faster than a call of native code. */
const SHORT_BYTES = 48;
const LONGEST_VARINT = 10;

/** What has to be looked at in a field: text, or a message. */
interface Part {
  readonly name: string;
  readonly listed: boolean;
  /** Undefined: it is text. */
  readonly message: Parts | undefined;
}
/** By field number. The numbers of contracts are small. */
type Parts = (Part | undefined)[];

const VARINT = 0;
const BITS_64 = 1;
const LENGTH = 2;
const GROUP = 3;
const END_GROUP = 4;
const BITS_32 = 5;

const MALFORMED: WireProblem = { kind: "malformed" };

/**
 * Compiles a check of messages as they stand on the wire, by the letter of the
 * encoding: proto3 takes nothing but UTF-8 for a string.
 *
 * The generated decoders read text that is none as if its sender had meant
 * U+FFFD, end a message where a zero stands in place of a field, and let a
 * message within another one be longer than the other one says.
 */
export function compileWireCheck(message: DescMessage): (bytes: Uint8Array) => WireProblem | undefined {
  const parts = partsOf(message, new Map());
  return (bytes) => {
    const scan = new Scan(bytes);
    const found = scan.message(parts, 0, bytes.length, 0);
    if (found === FINE) return undefined;
    return found === BROKEN ? MALFORMED : { kind: "no text", field: pathTo(parts, bytes, scan.place) };
  };
}

function partsOf(message: DescMessage, known: Map<DescMessage, Parts>): Parts {
  const earlier = known.get(message);
  if (earlier !== undefined) return earlier;
  const parts: Parts = [];
  // Before its fields: a message may contain itself.
  known.set(message, parts);
  for (const field of message.fields) parts[field.number] = partOf(field, known);
  return parts;
}

function partOf(field: DescField, known: Map<DescMessage, Parts>): Part | undefined {
  const { name } = field;
  const inner = field.message && partsOf(field.message, known);
  const text = field.scalar === ScalarType.STRING;
  if (field.fieldKind !== "map") {
    return inner !== undefined || text ? { name, listed: field.fieldKind === "list", message: inner } : undefined;
  }
  const entry: Parts = [];
  if (field.mapKey === ScalarType.STRING) entry[1] = { name: "key", listed: false, message: undefined };
  if (inner !== undefined || text) entry[2] = { name: "value", listed: false, message: inner };
  return { name, listed: true, message: entry };
}

const FINE = 0;
const BROKEN = 1;
const NO_TEXT = 2;
type Found = typeof FINE | typeof BROKEN | typeof NO_TEXT;

class Scan {
  /** Where the text begins that is none. */
  place = 0;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Looks at a message; or at a group, if its number is given, which ends where the scan stands then. */
  message(parts: Parts | undefined, from: number, end: number, depth: number, group = 0): Found {
    if (depth >= DEEPEST) return BROKEN;
    this.#at = from;
    while (this.#at < end) {
      const tag = this.#varint(end);
      const number = tag >>> 3;
      if (number === 0) return BROKEN;
      switch (tag & 7) {
        case VARINT:
          if (this.#varint(end) < 0) return BROKEN;
          break;
        case BITS_64:
          this.#at += 8;
          break;
        case BITS_32:
          this.#at += 4;
          break;
        case LENGTH: {
          const length = this.#varint(end);
          const next = this.#at + length;
          if (length < 0 || next > end) return BROKEN;
          const found = this.#part(parts?.[number], next, depth);
          if (found !== FINE) return found;
          this.#at = next;
          break;
        }
        case GROUP:
          if (this.message(undefined, this.#at, end, depth + 1, number) !== FINE) return BROKEN;
          break;
        case END_GROUP:
          return number === group ? FINE : BROKEN;
        default:
          return BROKEN;
      }
    }
    return group === 0 && this.#at === end ? FINE : BROKEN;
  }

  #part(part: Part | undefined, end: number, depth: number): Found {
    if (part === undefined) return FINE;
    if (part.message !== undefined) return this.message(part.message, this.#at, end, depth + 1);
    if (isText(this.#bytes, this.#at, end)) return FINE;
    this.place = this.#at;
    return NO_TEXT;
  }

  /** The next number, which is as exact as lengths need it. -1 if there is none. */
  #varint(end: number): number {
    const bytes = this.#bytes;
    let value = 0;
    for (let read = 0; read < LONGEST_VARINT; read++) {
      if (this.#at >= end) return -1;
      const byte = bytes[this.#at++] as number;
      if (read === 0 && byte < 0x80) return byte;
      value += (byte & 0x7f) * 2 ** (7 * read);
      if (byte < 0x80) return value;
    }
    return -1;
  }
}

function isText(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from > SHORT_BYTES) return isUtf8(bytes.subarray(from, end));
  for (let at = from; at < end; at++) {
    if ((bytes[at] as number) > 0x7f) return isUtf8(bytes.subarray(from, end));
  }
  return true;
}

/** The path of the field whose value begins at a place. */
function pathTo(parts: Parts, bytes: Uint8Array, place: number): string {
  const reader = new BinaryReader(bytes);
  const counts = new Map<number, number>();
  while (true) {
    const [number, wireType] = reader.tag();
    if (wireType !== LENGTH) {
      reader.skip(wireType, number);
      continue;
    }
    const length = reader.uint32();
    const index = counts.get(number) ?? 0;
    counts.set(number, index + 1);
    const part = parts[number];
    if (part === undefined || place >= reader.pos + length) {
      reader.pos += length;
      continue;
    }
    const name = part.listed ? `${part.name}[${index}]` : part.name;
    if (part.message === undefined) return name;
    const inner = bytes.subarray(reader.pos, reader.pos + length);
    return `${name}.${pathTo(part.message, inner, place - reader.pos)}`;
  }
}
