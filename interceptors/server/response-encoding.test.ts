import { Book } from "../../gen/bookstore/catalog/v1/book.ts";
import { GetBookResponse } from "../../gen/bookstore/marketplace/v1/marketplace_service.ts";
import { withSharedEncoder } from "./response-encoding.ts";

const { responseType } = withSharedEncoder({ methods: { getBook: { responseType: GetBookResponse } } }).methods.getBook;
const response = (title: string) => ({ book: Book.fromPartial({ id: 7, title, authors: ["A", "B"] }) });

test("encodes as the generated code does, one message after the other", () => {
  for (const title of ["", "short", "x".repeat(100_000), "again short", "Ünïcödé 你好"]) {
    expect(responseType.encode(response(title)).finish()).toEqual(GetBookResponse.encode(response(title)).finish());
  }
});

test("what was encoded stays as it is when the next message is encoded", () => {
  const first = responseType.encode(response("first")).finish();
  responseType.encode(response("other")).finish();

  expect(GetBookResponse.decode(first).book?.title).toBe("first");
});

test("a message that cannot be encoded leaves nothing behind for the next one", () => {
  const broken = { book: { ...response("half").book, authors: null } };
  expect(() => responseType.encode(broken as never)).toThrow();

  expect(responseType.encode(response("whole")).finish()).toEqual(GetBookResponse.encode(response("whole")).finish());
});
