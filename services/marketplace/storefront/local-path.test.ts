import { localPath, withNext } from "./local-path.ts";

test.each([
  ["/", "/"],
  ["/books/3", "/books/3"],
  ["/search?q=les+mis%C3%A9rables&page=x", "/search?q=les+mis%C3%A9rables&page=x"],
  ["/a/../books", "/books"],
  ["/books#third", "/books"],
  ["/%2f%2fother.example", "/%2f%2fother.example"],
  ["/ä b", "/%C3%A4%20b"],
])("goes back to %j as %j", (next, path) => {
  expect(localPath(next)).toBe(path);
});

test.each([
  undefined,
  "",
  "books",
  "https://other.example/",
  "//other.example",
  "///other.example",
  "/\\other.example",
  "\\/other.example",
  "/\t/other.example",
  "/\n/other.example",
  "/..//other.example",
  "/.//other.example",
  "/a/..//other.example",
  "/%2e%2e//other.example",
  "/\\\\other.example/..",
  "//[",
  "//user:password@here.invalid@other.example/",
  "javascript:alert(1)",
  " //other.example",
  `/${"x".repeat(1_000)}`,
])("goes to the front page where %j is asked for", (next) => {
  expect(localPath(next)).toBe("/");
});

test("lets no line break into a header", () => {
  expect(localPath("/books\r\nset-cookie: a=b")).toBe("/booksset-cookie:%20a=b");
});

test("says nothing of where to go on from the front page", () => {
  expect(withNext("/sign-in", "/")).toBe("/sign-in");
  expect(withNext("/sign-in", "/search?q=a&page=b")).toBe("/sign-in?next=%2Fsearch%3Fq%3Da%26page%3Db");
});
