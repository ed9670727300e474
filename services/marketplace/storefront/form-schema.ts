/** A text that somebody sends. A missing one is empty: the service behind says what is required. */
export const text = { type: "string", maxLength: 1_000, default: "" };

/** One that may be a page of writing. */
export const longText = { ...text, maxLength: 20_000 };

/** In a form, each character of some languages has nine or twelve. */
export const LONG_FORM_BYTES = 131_072;

function texts(names: readonly string[]) {
  // Fastify drops what is not listed: a form must not set other fields of a call.
  return { type: "object", properties: Object.fromEntries(names.map((name) => [name, text])), additionalProperties: false };
}

/** A form that is sent. */
export function bodyOf(...names: readonly string[]) {
  return { body: texts(names) };
}

/** What stands behind the question mark of an address. */
export function queryOf(...names: readonly string[]) {
  return { querystring: texts(names) };
}
