import { contentTypes, looksLike } from "./content-type.ts";

const zip = (name: string) => Buffer.concat([Buffer.from("PK\x03\x04"), Buffer.alloc(26), Buffer.from(name)]);
const files: Record<string, Buffer> = {
  "application/pdf": Buffer.from("%PDF-1.7\n%\xe2\xe3", "latin1"),
  "application/epub+zip": zip("mimetypeapplication/epub+zip"),
  "image/png": Buffer.from("89504e470d0a1a0a0000000d", "hex"),
  "image/jpeg": Buffer.from("ffd8ffe000104a464946", "hex"),
  "application/zip": zip("word/document.xml"),
  "text/plain": Buffer.from("Call me Ishmael. \u{1f433}\r\n\tSome years ago"),
};

test.each(contentTypes)("%s is known by its first bytes", (type) => {
  const alike = Object.keys(files).filter((other) => looksLike(type, files[other] ?? Buffer.alloc(0)));
  // An EPUB is an archive.
  expect(alike).toEqual(type === "application/zip" ? ["application/epub+zip", type] : [type]);
});

test.each([["MZ\u0090\u0000"], ["a\u0000b"], ["\u001b[31m\u0007"]])("%j is no text", (text) => {
  expect(looksLike("text/plain", Buffer.from(text))).toBe(false);
});

test("text may end in the middle of a character, and nothing is of a type that nobody knows", () => {
  expect(looksLike("text/plain", Buffer.from("é").subarray(0, 1))).toBe(true);
  expect(looksLike("text/plain", Buffer.from([0xff, 0xfe]))).toBe(false);
  expect(looksLike("text/html", Buffer.from("<html>"))).toBe(false);
});
