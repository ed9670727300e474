import { byteRange } from "./byte-range.ts";

test.each([
  [undefined, undefined],
  ["bytes=0-0", { offset: 0, length: 1 }],
  ["bytes=0-99", { offset: 0, length: 100 }],
  ["bytes=10-", { offset: 10, length: 90 }],
  ["bytes=90-1000", { offset: 90, length: 10 }],
  ["bytes=-10", { offset: 90, length: 10 }],
  ["bytes=-1000", { offset: 0, length: 100 }],
  ["bytes=99-", { offset: 99, length: 1 }],
  ["bytes=100-", "beyond"],
  ["bytes=100-200", "beyond"],
  ["bytes=-0", "beyond"],
  ["bytes=5-4", undefined],
  ["bytes=-", undefined],
  ["bytes=0-1,5-6", undefined],
  ["bytes=a-b", undefined],
  ["lines=0-1", undefined],
  ["bytes=99999999999999999999-", "beyond"],
])("%j of 100 bytes is %j", (header, expected) => {
  expect(byteRange(header, 100)).toEqual(expected);
});

test.each(["bytes=0-", "bytes=-1", "bytes=0-0"])("nothing has no bytes: %s", (header) => {
  expect(byteRange(header, 0)).toBe("beyond");
});
