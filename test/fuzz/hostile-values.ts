const LINE_SEPARATOR = "\u2028";

/** Bytes that are no UTF-8, by what is wrong with them (RFC 3629). */
export const NO_UTF8: Readonly<Record<string, Buffer>> = {
  "the beginning of two bytes": Buffer.from([0xc3]),
  "the beginning of three bytes": Buffer.from([0xe2, 0x82]),
  "the beginning of four bytes": Buffer.from([0xf0, 0x9f, 0x98]),
  "a beginning and no more of it": Buffer.from([0x61, 0xe2, 0x61]),
  "a continuation of nothing": Buffer.from([0x61, 0x80]),
  "a slash in two bytes": Buffer.from([0xc0, 0xaf]),
  "a NUL in two bytes": Buffer.from([0xc0, 0x80]),
  "a slash in three bytes": Buffer.from([0xe0, 0x80, 0xaf]),
  "a high surrogate": Buffer.from([0xed, 0xa0, 0x80]),
  "a low surrogate": Buffer.from([0xed, 0xbf, 0xbf]),
  "a pair of surrogates": Buffer.from([0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]),
  "a code point beyond the last": Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  "0xff": Buffer.from([0x68, 0xff, 0x69]),
  "0xfe, and a replacement character": Buffer.from([0xef, 0xbf, 0xbd, 0xfe]),
  Latin1: Buffer.from("café", "latin1"),
  UTF16: Buffer.from("\ufeffhello", "utf16le"),
};

/** Texts that are UTF-8 and trouble all the same. */
export const TEXTS: Readonly<Record<string, string>> = {
  empty: "",
  NUL: "a\0b",
  "control characters": "\u0001\u0007\u001b[31m\r\n",
  "line breaks": `a\nb\r\nc\u0085${LINE_SEPARATOR}`,
  bidi: "\u202eabc\u2066\u200f",
  "a replacement character": "a\ufffdb",
  "the last code point": "\u{10ffff}",
  noncharacters: "\ufffe\uffff",
  "a byte order mark": "\ufeffhello",
  "an emoji of many": "👩‍👩‍👧‍👦",
  "combining marks": `e${"\u0301".repeat(500)}`,
  "names of objects": "__proto__",
  constructor: "constructor",
  percent: "%00%ff%zz%",
  format: "%s%n%d{{7*7}}",
  quotes: "'\"`\\; drop table users; --",
  markup: "<script>alert(1)</script>",
  "a path": "../../../../etc/passwd\u2215",
  "an address": "http://169.254.169.254/",
  digits: "9".repeat(400),
  "a pattern that is slow": `${"a-".repeat(2_000)}!`,
  "an e-mail address that is slow": `a@${"a.".repeat(1_000)}`,
};

/** Whole numbers at which something ends. */
export const INTEGERS: readonly bigint[] = [
  0n,
  -1n,
  2n ** 31n - 1n,
  2n ** 31n,
  -(2n ** 31n),
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 64n - 1n,
];

/** Varints that are none, or longer than they need to be (at most ten bytes make one). */
export const VARINTS: Readonly<Record<string, Buffer>> = {
  "a zero in ten bytes": Buffer.from([...Array(9).fill(0x80), 0]),
  "eleven bytes": Buffer.from([...Array(10).fill(0x80), 1]),
  "a hundred bytes": Buffer.from([...Array(99).fill(0xff), 1]),
  "more than 64 bits": Buffer.from([...Array(9).fill(0xff), 0x7f]),
};

/** Keys that are something else in a JavaScript object. */
export const KEYS = ["__proto__", "constructor", "hasOwnProperty", "toString", "", "then"];
