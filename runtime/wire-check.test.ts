import { Sample } from "../gen/bookmesh/testing/v1/echo_service.ts";
import { contracts } from "./contracts.ts";
import { compileWireCheck } from "./wire-check.ts";

const message = contracts.getMessage("bookmesh.testing.v1.Sample");
if (message === undefined) throw new Error("no contract for Sample");
const check = compileWireCheck(message);

/** Every string of a Sample is "good", or longer. */
const VALID = Buffer.from(
  Sample.encode(
    Sample.fromPartial({
      ...{ requiredText: "good", nickname: "good", words: ["good", "good", "gööd".repeat(50)] },
      ...{ smallNumber: -1, largeNumber: -1n, blob: Buffer.from([0xff, 0xfe]), colours: [1, 1, -5 as never] },
      labels: new Map([["good", "good"]]),
      mainPart: { name: "good" },
      moreParts: [{ name: "good" }, { name: "good" }],
      partsByName: new Map([["good", { name: "good" }]]),
      contact: { $case: "contactPart", value: { name: "good" } },
      child: { requiredText: "good", child: { slug: "good" } },
    }),
  ).finish(),
);

test("finds nothing wrong with a message, and nothing with none", () => {
  expect(check(VALID)).toBeUndefined();
  expect(check(new Uint8Array())).toBeUndefined();
});

test("names each string that is no UTF-8 by its place in the message", () => {
  const named: string[] = [];
  for (let at = VALID.indexOf("good"); at >= 0; at = VALID.indexOf("good", at + 1)) {
    const bytes = Buffer.from(VALID);
    bytes[at] = 0xff;
    const problem = check(bytes);
    named.push(problem?.kind === "no text" ? problem.field : `? ${problem?.kind}`);
  }

  expect(named).toEqual([
    ...["required_text", "nickname", "words[0]", "words[1]", "labels[0].key", "labels[0].value", "contact_part.name"],
    ...["main_part.name", "more_parts[0].name", "more_parts[1].name", "parts_by_name[0].key", "parts_by_name[0].value.name"],
    ...["child.required_text", "child.child.slug"],
  ]);
});

test.each([
  ["a cut character", [0xe2, 0x82]],
  ["a slash in two bytes", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a code point beyond the last", [0xf4, 0x90, 0x80, 0x80]],
  ["a continuation of nothing", [0x80]],
])("takes %s for no text, in a short string and in a long one", (_what, bytes) => {
  for (const before of ["", "é".repeat(500)]) {
    const text = Buffer.concat([Buffer.from(before), Buffer.from(bytes)]);
    expect(check(required(text))).toEqual({ kind: "no text", field: "required_text" });
  }
});

test.each(["\ufffd", "\ufeff", "\uffff", "\u{10ffff}", "\0", "é".repeat(1_000)])("takes %j for text", (text) => {
  expect(check(required(Buffer.from(text)))).toBeUndefined();
});

test.each([
  ["a field without a value", "08"],
  ["a number without an end", "30ff"],
  ["a number of eleven bytes", "30ffffffffffffffffffff01"],
  ["a length beyond the end", "0a05616263"],
  ["a length that is negative", "0affffffffffffffffff01"],
  ["the field number 0", "00"],
  ["a wire type that there is not", "0e"],
  ["64 bits that are fewer", "0900000000"],
  ["a group without an end", "0b"],
  ["an end without a group", "0c"],
  ["the end of another group", "0b14"],
  ["a message that ends in a field of its own", "8a01020a05"],
  ["a zero in a message", "8a010100"],
])("takes %s for no message", (_what, hex) => {
  expect(check(Buffer.from(hex, "hex"))).toEqual({ kind: "malformed" });
});

test("passes over what the contract does not know", () => {
  const unknown = ["fa3f01ff", "fd3f00000000", "f93f0000000000000000", "f83fffffffffffffffffff01", "fb3f0a01fffc3f"];
  expect(check(Buffer.from(unknown.join(""), "hex"))).toBeUndefined();
  // Nor does it look into a field that stands there in another form.
  expect(check(Buffer.from("0801", "hex"))).toBeUndefined();
});

test("looks into a message as deep as it can be decoded, and takes a deeper one for none", () => {
  const nested = (depth: number) => {
    let bytes: Buffer = Buffer.alloc(0);
    for (let i = 0; i < depth; i++) bytes = within(bytes);
    return bytes;
  };

  expect(check(nested(99))).toBeUndefined();
  expect(() => Sample.decode(nested(99))).not.toThrow();
  expect(check(nested(100))).toEqual({ kind: "malformed" });
  expect(check(nested(20_000))).toEqual({ kind: "malformed" });
  expect(check(Buffer.alloc(50_000, 0x0b))).toEqual({ kind: "malformed" });
});

function required(text: Uint8Array): Buffer {
  const length = text.length < 128 ? [text.length] : [(text.length & 0x7f) | 0x80, text.length >> 7];
  return Buffer.concat([Buffer.from([0x0a, ...length]), text]);
}

/** As the child of a Sample, field 20. */
function within(bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([0xa2, 0x01, ...length]), bytes]);
}
