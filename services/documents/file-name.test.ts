import { cleanFileName } from "./file-name.ts";

test.each([
  ["notes.txt", "notes.txt"],
  ["../../etc/passwd", "passwd"],
  ["C:\\Users\\me\\book.pdf", "book.pdf"],
  ["a\u0000b\r\nSet-Cookie: x.pdf", "ab Set-Cookie_ x.pdf"],
  ["exe.\u202Efdp.scr", "exe.fdp.scr"],
  ["zero\u200Bwidth.pdf", "zerowidth.pdf"],
  [".htaccess", "htaccess"],
  ["name. . ", "name"],
  ['<script>"x"|?*.pdf', "_script__x____.pdf"],
  ["  many   spaces\t.pdf", "many spaces .pdf"],
  ["cafe\u0301.pdf", "caf\u00e9.pdf"],
  ["書類 📚.pdf", "書類 📚.pdf"],
])("%j becomes %j", (name, cleaned) => {
  expect(cleanFileName(name)).toBe(cleaned);
});

test.each([["/"], [".."], ["..\\..\\"], ["\u202E\u0000"], ["   "], ["???"], ["a/"]])("nothing usable is left of %j", (name) => {
  expect(() => cleanFileName(name)).toThrow(expect.objectContaining({ reason: "NAME_UNUSABLE" }));
});

test("a long name keeps its end, and is cut between characters", () => {
  const cleaned = cleanFileName(`${"書".repeat(300)}.epub`);

  expect(Buffer.byteLength(cleaned)).toBeLessThanOrEqual(255);
  expect(cleaned).toMatch(/^書+\.epub$/);
});
