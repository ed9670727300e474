/** How many bytes from the beginning tell a type. */
export const HEAD_BYTES = 512;

type Check = (head: Buffer) => boolean;

const begins = (...bytes: number[]): Check => {
  const magic = Buffer.from(bytes);
  return (head) => head.subarray(0, magic.length).equals(magic);
};
const ZIP = begins(0x50, 0x4b, 0x03, 0x04);
/** An archive begins with the name of its first file, at byte 30; in an EPUB that is "mimetype", and it is stored as it is. */
const EPUB = "mimetypeapplication/epub+zip";

/** What a file of each type begins with. None of them is one that a browser runs scripts of. */
const checks = {
  "application/pdf": begins(...Buffer.from("%PDF-")),
  "application/epub+zip": (head) => ZIP(head) && head.subarray(30, 30 + EPUB.length).equals(Buffer.from(EPUB)),
  "application/zip": ZIP,
  "image/png": begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
  "image/jpeg": begins(0xff, 0xd8, 0xff),
  "text/plain": isText,
} satisfies Record<string, Check>;

export type ContentType = keyof typeof checks;

/** All types that can be taken. */
export const contentTypes = Object.keys(checks) as ContentType[];

/** Whether a file that begins like this can be of the type. @param head its first HEAD_BYTES, or all of it. */
export function looksLike(contentType: string, head: Uint8Array): boolean {
  return checks[contentType as ContentType]?.(Buffer.from(head)) ?? false;
}

/** UTF-8 without control characters but those that text has. A character may be cut off at the end. */
function isText(head: Buffer): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    return !/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u007f]/.test(text);
  } catch {
    return false;
  }
}
