import { create, toBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type DeepPartial, Sample } from "../gen/bookmesh/testing/v1/echo_service.ts";
import { Event } from "../gen/mesh/events/v1/event.ts";
import { contracts } from "./contracts.ts";
import { compileRules } from "./field-rules.ts";

const validate = rulesOf(Sample.$type);
const validateEvent = rulesOf(Event.$type);
/** mesh.events.v1.Event.time on the wire: field 6, with a length. */
const TIME_TAG = 0x32;

const VALID: DeepPartial<Sample> = {
  requiredText: "x",
  shortText: "abc",
  slug: "the-maltese-falcon",
  email: "reader@example.com",
  smallNumber: 5,
  largeNumber: 1n,
  words: ["word"],
  mainPart: { name: "part" },
  agreed: true,
};

test("finds nothing wrong with a message that keeps all rules", () => {
  expect(violationsOf({})).toEqual([]);
});

test.each<[string, DeepPartial<Sample>, string, string]>([
  ["a required string that is empty", { requiredText: "" }, "required_text", "is required"],
  ["a required message that is not set", { mainPart: undefined }, "main_part", "is required"],
  ["a required bool that is false", { agreed: false }, "agreed", "is required"],
  ["too few characters", { shortText: "a" }, "short_text", "must be at least 2 characters long"],
  ["too many characters", { shortText: "abcdef" }, "short_text", "must be at most 5 characters long"],
  ["an empty string where there is a minimum", { shortText: "" }, "short_text", "must be at least 2 characters long"],
  ["one character that is two UTF-16 units", { shortText: "\u{1f600}" }, "short_text", "must be at least 2 characters long"],
  ["a string that does not match", { slug: "The Falcon" }, "slug", "must match ^[a-z]+(-[a-z]+)*$"],
  ["a match on the first line only", { slug: "falcon\nX" }, "slug", "must match ^[a-z]+(-[a-z]+)*$"],
  ["no e-mail address", { email: "reader" }, "email", "must be an e-mail address"],
  ["an e-mail address with a name", { email: "Reader <reader@example.com>" }, "email", "must be an e-mail address"],
  ["an optional string that is set and empty", { nickname: "" }, "nickname", "must not be empty"],
  ["a number that is too small", { smallNumber: 0 }, "small_number", "must be 1 to 10"],
  ["a number that is too large", { smallNumber: 11 }, "small_number", "must be 1 to 10"],
  ["a 64-bit number that is too small", { largeNumber: 0n }, "large_number", "must be at least 1"],
  ["an optional number that is too large", { optionalNumber: 1 }, "optional_number", "must be at most 0"],
  ["too few items", { words: [] }, "words", "must have at least 1 items"],
  ["too many items", { words: ["a", "b", "c", "d"] }, "words", "must have at most 3 items"],
  ["an item that is wrong", { words: ["a", ""] }, "words[1]", "must not be empty"],
  ["too many entries", { labels: mapOf("a", "b", "c") }, "labels", "must have at most 2 entries"],
  ["a key that is wrong", { labels: mapOf("a", "long") }, "labels[1].key", "must be at most 3 characters long"],
  ["a value that is wrong", { labels: new Map([["a", "long"]]) }, "labels[0].value", "must be at most 3 characters long"],
  ["an enum value that is not in the contract", { colour: 7 as 1 }, "colour", "must be one of the values of the contract"],
  ["an unknown enum value in a list", { colours: [1, 7 as 1] }, "colours[1]", "must be one of the values of the contract"],
  ["too many bytes", { blob: Buffer.alloc(5) }, "blob", "must be at most 4 bytes long"],
  ["a chosen field that is wrong", { contact: { $case: "contactPhone", value: "x" } }, "contact_phone", "must match ^[0-9]+$"],
  ["a chosen message that is wrong", { contact: { $case: "contactPart", value: {} } }, "contact_part.name", "is required"],
  ["a message that is wrong inside", { mainPart: {} }, "main_part.name", "is required"],
  ["a message in a list that is wrong inside", { moreParts: [{ name: "a" }, {}] }, "more_parts[1].name", "is required"],
  [
    "a message in a map that is wrong inside",
    { partsByName: new Map([["a", { name: "" }]]) },
    "parts_by_name[0].value.name",
    "is required",
  ],
  ["a name with a digit", { addressLine1: "long" }, "address_line_1", "must be at most 3 characters long"],
  ["a message within itself", { child: { ...VALID, smallNumber: 0 } }, "child.small_number", "must be 1 to 10"],
])("finds %s", (_name, change, field, description) => {
  expect(violationsOf(change)).toEqual([{ field, description }]);
});

test.each<[string, DeepPartial<Sample>]>([
  [
    "the limits themselves",
    { shortText: "ab", smallNumber: 1, words: ["a", "b", "c"], blob: Buffer.alloc(4), optionalNumber: 0 },
  ],
  ["the upper limits", { shortText: "abcde", smallNumber: 10, labels: mapOf("a", "b") }],
  ["characters of two UTF-16 units, counted once", { shortText: "\u{1f600}".repeat(5) }],
  ["optional fields that are not set", { nickname: undefined, optionalNumber: undefined }],
  ["a choice that is not made", { contact: undefined }],
  ["a large 64-bit number", { largeNumber: 9_223_372_036_854_775_807n }],
  ["the zero value of an enum", { colour: 0 }],
  ["an e-mail address of another country", { email: "x@xn--bcher-kva.example" }],
])("accepts %s", (_name, change) => {
  expect(violationsOf(change)).toEqual([]);
});

test.each<[string, DeepPartial<Sample>, string]>([
  ["a string", { requiredText: "a\0" }, "required_text"],
  ["an optional string", { nickname: "\0" }, "nickname"],
  ["a list", { words: ["a", "\0"] }, "words[1]"],
  ["a key", { labels: new Map([["\0", ""]]) }, "labels[0].key"],
  ["a value", { labels: new Map([["a", "\0"]]) }, "labels[0].value"],
  ["a choice", { contact: { $case: "contactEmail", value: "\0" } }, "contact_email"],
  ["a message", { mainPart: { name: "\0" } }, "main_part.name"],
  ["a message in a list", { moreParts: [{ name: "\0" }] }, "more_parts[0].name"],
  ["a message in a map", { partsByName: new Map([["a", { name: "\0" }]]) }, "parts_by_name[0].value.name"],
])("finds a NUL in %s, which no store can hold", (_name, change, field) => {
  expect(violationsOf(change)).toEqual([{ field, description: "must not contain NUL" }]);
});

test.each([
  ["the year 10,000", 253_402_300_800n, ["time"]],
  ["the last second that int64 has", 2n ** 63n - 1n, ["time"]],
  ["the first second that int64 has", -(2n ** 63n), ["time"]],
  ["the end of the year 9999", 253_402_300_799n, []],
  ["the beginning of the year 1", -62_135_596_800n, []],
])("takes a Timestamp for a time only in the years of its contract: %s", (_name, seconds, fields) => {
  const time = toBinary(TimestampSchema, create(TimestampSchema, { seconds }));
  const event = Event.decode(Buffer.concat([Buffer.from([TIME_TAG, time.length]), time]));

  expect(validateEvent(event).map(({ field }) => field)).toEqual(fields);
});

test("lists everything that is wrong in the order of the contract, once a field", () => {
  expect(violationsOf({ requiredText: "", shortText: "", slug: "\0", mainPart: {} }).map(({ field }) => field)).toEqual([
    "required_text",
    "short_text",
    "slug",
    "main_part.name",
  ]);
});

function rulesOf(name: string) {
  const message = contracts.getMessage(name);
  if (message === undefined) throw new Error(`no contract for ${name}`);
  return compileRules(contracts, message);
}

/** What is wrong with a valid message after a change, as it arrives at a server. */
function violationsOf(change: DeepPartial<Sample>) {
  return validate(Sample.decode(Sample.encode(Sample.fromPartial({ ...VALID, ...change })).finish()));
}

function mapOf(...keys: string[]): Map<string, string> {
  return new Map(keys.map((key) => [key, ""]));
}
