/** The number of a book in an address. */
export const bookNumber = { type: "integer", minimum: 1, maximum: 2 ** 31 - 1 };

/** An address of a book: the schema of `:id`. */
export const bookId = { params: { type: "object", properties: { id: bookNumber } } };
