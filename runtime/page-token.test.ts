import { Failure } from "./errors.ts";
import { decodePageToken, encodePageToken, pageOf } from "./page-token.ts";

const REQUEST = { category: 1, orderBy: "title" };
const SHAPE = ["string", "number"] as const;

test.each<[readonly (string | number)[], readonly ("string" | "number")[]]>([
  [
    ["Dune", 7],
    ["string", "number"],
  ],
  [["\u{1f600}"], ["string"]],
  [[Number.MAX_SAFE_INTEGER], ["number"]],
])("gives the position back: %j", (position, shape) => {
  expect(decodePageToken(encodePageToken(position, REQUEST), REQUEST, shape)).toEqual(position);
});

test("takes no token for the first page", () => {
  expect(decodePageToken("", REQUEST, SHAPE)).toBeUndefined();
});

test("makes tokens that need no escaping in a URL", () => {
  expect(encodePageToken(["\u{1f600}?&/+", 1], REQUEST)).toMatch(/^[\w-]+$/);
});

test.each([
  ["one of another request", encodePageToken(["Dune", 7], { ...REQUEST, category: 2 })],
  ["one that somebody changed", `${encodePageToken(["Dune", 7], REQUEST)}x`],
  ["one that somebody cut", encodePageToken(["Dune", 7], REQUEST).slice(0, -3)],
  ["something else", "next"],
  ["JSON that is no list", base64url("5")],
  ["an empty list", base64url("[]")],
  ["a position with parts of other types", forged(7, "Dune")],
  ["a position that is no position", forged("Dune", { $gt: "" })],
  ["a position that is too short", forged("Dune")],
  ["a position that is too long", forged("Dune", 7, 7)],
  ["a number that is no whole number", forged("Dune", 1.5)],
  ["a negative number", forged("Dune", -1)],
  ["text with a NUL, which PostgreSQL cannot take", forged("Du\0ne", 7)],
  ["a number beyond the safe ones", forged("Dune", 2 ** 53)],
])("refuses %s", (_name, token) => {
  const refused = expect(() => decodePageToken(token, REQUEST, SHAPE));

  refused.toThrow(Failure);
  refused.toThrow("page_token must be one that this method gave for the same request");
});

/** A token with the right fingerprint and any position. */
function forged(...position: unknown[]): string {
  const [print] = JSON.parse(Buffer.from(encodePageToken([], REQUEST), "base64url").toString()) as [string];
  return base64url(JSON.stringify([print, ...position]));
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

test.each([
  [1, { page: ["a"], last: "a" }],
  [2, { page: ["a", "b"], last: "b" }],
  [3, { page: ["a", "b", "c"], last: undefined }],
  [4, { page: ["a", "b", "c"], last: undefined }],
])("tells whether another page comes after one of %i", async (size, page) => {
  expect(await pageOf(size, async (limit) => ["a", "b", "c"].slice(0, limit))).toEqual(page);
});
