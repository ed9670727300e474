/** A part of a file. */
export interface ByteRange {
  offset: number;
  length: number;
}

/**
 * The one range that a Range header asks for (RFC 9110, section 14).
 *
 * @returns undefined for the whole file: no header, one in another unit, of several ranges, or that is none. "beyond"
 * for a range of which the file has nothing.
 */
export function byteRange(header: string | undefined, size: number): ByteRange | "beyond" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const [, from = "", to = ""] = match;
  if (from === "") {
    if (to === "") return undefined;
    const length = Math.min(Number(to), size);
    return length === 0 ? "beyond" : { offset: size - length, length };
  }
  const [first, last] = [Number(from), to === "" ? size - 1 : Math.min(Number(to), size - 1)];
  if (to !== "" && Number(to) < first) return undefined;
  return first >= size ? "beyond" : { offset: first, length: last - first + 1 };
}
