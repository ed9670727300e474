import { createHash } from "node:crypto";
import { invalidField } from "./errors.ts";

/**
 * Tokens for paged lists (AIP-158): opaque to callers, bound to the request
 * they were given for.
 *
 * @param request everything that must stay the same from page to page.
 */
export function encodePageToken(position: readonly (string | number)[], request: unknown): string {
  return Buffer.from(JSON.stringify([fingerprint(request), ...position])).toString("base64url");
}

/** The types of the parts of a position. Numbers are whole. */
type Shape = readonly ("string" | "number")[];
type Position<S extends Shape> = { -readonly [Index in keyof S]: S[Index] extends "number" ? number : string };

/**
 * The position that a token holds; undefined for the first page.
 *
 * @param shape what encodePageToken was given.
 * @throws Failure "invalid" if the token was not given for this request.
 */
export function decodePageToken<const S extends Shape>(token: string, request: unknown, shape: S): Position<S> | undefined {
  if (token === "") return undefined;
  try {
    const [print, ...position] = JSON.parse(Buffer.from(token, "base64url").toString()) as unknown[];
    const fits = (type: string, index: number) => {
      const part = position[index];
      // A forged token may hold anything; stores take no negative offset and no NUL.
      if (typeof part === "string") return type === "string" && !part.includes("\0");
      return type === "number" && Number.isSafeInteger(part) && (part as number) >= 0;
    };
    if (print === fingerprint(request) && position.length === shape.length && shape.every(fits)) {
      return position as Position<S>;
    }
  } catch {
    // Not a token of ours: refused below.
  }
  throw invalidField("page_token", "must be one that this method gave for the same request");
}

/**
 * One page of a list, and its last item if another page comes after it.
 *
 * @param size the most items on the page.
 * @param list gives so many items at most.
 */
export async function pageOf<T>(
  size: number,
  list: (limit: number) => Promise<readonly T[]>,
): Promise<{ page: T[]; last: T | undefined }> {
  // One more than asked for tells whether there is a next page.
  const found = await list(size + 1);
  const page = found.slice(0, size);
  return { page, last: found.length > size ? page.at(-1) : undefined };
}

function fingerprint(request: unknown): string {
  return createHash("sha256").update(JSON.stringify(request)).digest("base64url").slice(0, 12);
}
