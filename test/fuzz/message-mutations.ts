import type { DescMessage } from "@bufbuild/protobuf";
import type { Mutation } from "./field-mutations.ts";
import type { Random } from "./random.ts";
import { CANARY } from "./values.ts";
import { delimited, encode, encodeField, tag, varint, type WireField, WireType } from "./wire.ts";

/** A field that no contract has. */
const UNKNOWN = 536_870_911;
/** What a truncated request is cut at, at most. */
const MOST_CUTS = 200;

/** All that is done to requests as a whole, in groups of the same kind. */
export function messageMutations(message: DescMessage, request: readonly WireField[], random: Random): Mutation[][] {
  const valid = encode(request);
  const cycle = cycleIn(message);
  const spoil = (kind: string, about: string, bytes: () => Buffer): Mutation => ({ kind, about, bytes });
  const cuts = random.sample([...valid.keys()], MOST_CUTS);
  const group = (inner: Buffer) => Buffer.concat([tag(UNKNOWN, WireType.GROUP), inner, tag(UNKNOWN, WireType.END_GROUP)]);
  return [
    [spoil("valid", "all fields", () => valid)],
    [spoil("valid", "no fields", () => Buffer.alloc(0))],
    cuts.map((at) => spoil("truncated", `after ${at} bytes`, () => valid.subarray(0, at))),
    Array.from({ length: 40 }, () => flipped(valid, random)).map(([about, bytes]) => spoil("flipped bits", about, () => bytes)),
    [1, 5, 20, 100, 1_000].map((length) => {
      const bytes = random.bytes(length);
      return spoil("random bytes", `${length} of them`, () => bytes);
    }),
    [
      spoil("order of fields", "backwards", () => encode([...request].reverse())),
      spoil("order of fields", "the message twice", () => Buffer.concat([valid, valid])),
      ...oneofs(message, request).map((bytes) => spoil("order of fields", "all members of a oneof", () => bytes)),
    ],
    [
      spoil("unknown fields", "a thousand numbers", () => unknownFields(valid, 1_000)),
      spoil("unknown fields", "20,000 varints", () =>
        Buffer.concat([valid, ...Array(20_000).fill(Buffer.concat([tag(UNKNOWN, WireType.VARINT), varint(1)]))]),
      ),
      spoil("unknown fields", "number zero", () => Buffer.concat([valid, Buffer.from([0, 0])])),
      spoil("unknown fields", "a tag of ten bytes", () =>
        Buffer.concat([valid, Buffer.from([0x8a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 1, 0x61])]),
      ),
      spoil("unknown fields", "a number beyond the largest", () => Buffer.concat([valid, varint(2n ** 33n), varint(1)])),
    ],
    [
      spoil("groups", "one, unknown", () => Buffer.concat([valid, group(valid)])),
      spoil("groups", "one without an end", () => Buffer.concat([valid, tag(UNKNOWN, WireType.GROUP)])),
      spoil("groups", "an end without a beginning", () => Buffer.concat([valid, tag(UNKNOWN, WireType.END_GROUP), valid])),
      spoil("groups", "the end of another", () =>
        Buffer.concat([valid, tag(UNKNOWN, WireType.GROUP), tag(UNKNOWN - 1, WireType.END_GROUP)]),
      ),
      ...[50, 99, 101, 10_000].map((depth) =>
        spoil("deep nesting", `${depth} groups`, () =>
          Buffer.concat([
            valid,
            ...Array(depth).fill(tag(15, WireType.GROUP)),
            ...Array(depth).fill(tag(15, WireType.END_GROUP)),
          ]),
        ),
      ),
    ],
    cycle === undefined
      ? []
      : [80, 99, 101, 1_000, 10_000, 100_000].map((depth) =>
          spoil("deep nesting", `${depth} messages`, () => nested(cycle, depth)),
        ),
  ].filter((group) => group.length > 0);
}

function flipped(valid: Buffer, random: Random): [string, Buffer] {
  // A bit makes another field of a sensitive one: nobody could know that it was one.
  const bytes = Buffer.from(valid.toString("latin1").replaceAll(CANARY, "x".repeat(CANARY.length)), "latin1");
  const count = bytes.length === 0 ? 0 : 1 + random.below(3);
  const places = Array.from({ length: count }, () => random.below(bytes.length));
  for (const at of places) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return [`in ${places.join(", ")}`, bytes];
}

function unknownFields(valid: Buffer, count: number): Buffer {
  const fields = Array.from({ length: count }, (_, index) => delimited(1_000 + index, Buffer.from("x")));
  return Buffer.concat([valid, ...fields]);
}

function oneofs(message: DescMessage, request: readonly WireField[]): Buffer[] {
  return message.oneofs.map(({ fields }) => {
    const members = fields.map(({ number }) => request.find((field) => field.number === number));
    const known = members.find((member) => member !== undefined);
    const all = fields.map(({ number, message: inner }) =>
      known !== undefined && known.number === number
        ? encodeField(known)
        : delimited(number, inner === undefined ? Buffer.from("a") : Buffer.alloc(0)),
    );
    return Buffer.concat([encode(request), ...all, ...all.toReversed()]);
  });
}

/** The numbers of the fields by which a message leads to one that holds itself. */
interface Cycle {
  readonly before: readonly number[];
  readonly again: readonly number[];
}

function cycleIn(message: DescMessage): Cycle | undefined {
  const search = (within: readonly DescMessage[], numbers: readonly (readonly number[])[]): Cycle | undefined => {
    for (const field of within.at(-1)?.fields ?? []) {
      if (field.message === undefined) continue;
      const through = [...numbers, field.fieldKind === "map" ? [field.number, 2] : [field.number]];
      const start = within.indexOf(field.message);
      if (start >= 0) return { before: through.slice(0, start).flat(), again: through.slice(start).flat() };
      const found = search([...within, field.message], through);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search([message], []);
}

/** Made from the inside to the outside, so that it takes no stack here. */
function nested({ before, again }: Cycle, depth: number): Buffer {
  const heads: Buffer[] = [];
  let length = 0;
  for (let level = depth - 1; level >= 0; level--) {
    const number = before[level] ?? again[(level - before.length) % again.length] ?? 1;
    const head = Buffer.concat([tag(number, WireType.LENGTH), varint(length)]);
    heads.push(head);
    length += head.length;
  }
  return Buffer.concat(heads.reverse());
}
