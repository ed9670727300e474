import { BinaryReader } from "@bufbuild/protobuf/wire";
import { invalidField } from "../../../runtime/errors.ts";
import { compileWireCheck } from "../../../runtime/wire-check.ts";
import { decode } from "./protos.ts";
import { REQUEST, requestFields } from "./request-fields.ts";

/** A request of a client, as it arrives. */
export type DiscoveryRequest = ReturnType<typeof decode<"envoy.service.discovery.v3.DiscoveryRequest">>;

const RESOURCE_NAMES = 3;
/** How a resource name begins: the number of its field, and that its length follows. */
const NAME_TAG = (RESOURCE_NAMES << 3) | 2;
/** Lists of names that are remembered: as many, and of at most so many bytes each. */
const MOST_LISTS = 1_024;
const LARGEST_LIST_BYTES = 65_536;

const lists = new Map<string, string[]>();

/**
 * Decodes a request.
 *
 * A client repeats all the names that it has subscribed to whenever it accepts
 * something, and many clients want the same. So a list of names that was seen
 * lately is not read again: it is the same array as then.
 *
 * @throws Failure if a string is no UTF-8, and another error if the bytes are no request.
 */
export function decodeRequest(bytes: Uint8Array): DiscoveryRequest {
  const from = firstName(bytes);
  const to = endOfNames(bytes, from);
  if (to === from || to - from > LARGEST_LIST_BYTES) return read(bytes);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const request = read(Buffer.concat([buffer.subarray(0, from), buffer.subarray(to)]), bytes);
  // Names that stand apart from the others are no list of ours.
  if (request.resource_names.length > 0) return read(bytes);
  return { ...request, resource_names: namesIn(buffer.subarray(from, to)) };
}

const inputs = requestFields.getMessage(REQUEST);
if (inputs === undefined) throw new Error(`no description of ${REQUEST}`);
const check = compileWireCheck(inputs);

function read(bytes: Uint8Array, whole = bytes): DiscoveryRequest {
  // In a part of a request its names are counted otherwise than its sender counts them.
  const problem = check(bytes) && check(whole);
  if (problem?.kind === "no text") throw invalidField(problem.field, "must be UTF-8");
  if (problem !== undefined) throw new Error("this is no request");
  return decode(REQUEST, bytes);
}

function namesIn(bytes: Buffer): string[] {
  const key = bytes.toString("latin1");
  const known = lists.get(key);
  // Those that were used last are at the end.
  lists.delete(key);
  const names = known ?? read(bytes).resource_names;
  lists.set(key, names);
  if (lists.size > MOST_LISTS) lists.delete(lists.keys().next().value ?? "");
  return names;
}

/** Where the first name begins; the end if there is none. */
function firstName(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const at = reader.pos;
    const [field, wireType] = reader.tag();
    if (field === RESOURCE_NAMES) return at;
    reader.skip(wireType, field);
  }
  return bytes.length;
}

/** Where the names end that follow each other from here. */
function endOfNames(bytes: Uint8Array, from: number): number {
  let end = from;
  while (bytes[end] === NAME_TAG) {
    let at = end + 1;
    let length = 0;
    let shift = 0;
    let byte = 0;
    do {
      byte = bytes[at++] ?? 0;
      length += (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80 && shift < 28);
    // Broken: whoever decodes all of it will say so.
    if (byte >= 0x80 || at + length > bytes.length) return from;
    end = at + length;
  }
  return end;
}
