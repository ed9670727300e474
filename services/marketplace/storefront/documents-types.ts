import { extname } from "node:path";

/** A type of files, as people know it. */
interface FileType {
  readonly label: string;
  readonly extensions: readonly string[];
}

const TYPES: Readonly<Record<string, FileType>> = {
  "application/pdf": { label: "PDF", extensions: [".pdf"] },
  "application/epub+zip": { label: "EPUB", extensions: [".epub"] },
  "application/zip": { label: "ZIP", extensions: [".zip"] },
  "image/png": { label: "PNG", extensions: [".png"] },
  "image/jpeg": { label: "JPEG", extensions: [".jpg", ".jpeg"] },
  "text/plain": { label: "plain text", extensions: [".txt"] },
};

/**
 * The media type of a file.
 *
 * Its name goes before what a browser says, which depends on the programs of its computer:
 * some know no EPUB, others call every ZIP "application/x-zip-compressed".
 */
export function contentTypeOf(name: string, said: string): string {
  const extension = extname(name.trim()).toLowerCase();
  const [contentType] = Object.entries(TYPES).find(([, { extensions }]) => extensions.includes(extension)) ?? [];
  return contentType ?? said;
}

/** "PDF, PNG or plain text". One that has no other name is called by its media type. */
export function labelsOf(contentTypes: readonly string[]): string {
  const labels = contentTypes.map((one) => TYPES[one]?.label ?? one);
  return new Intl.ListFormat("en", { type: "disjunction" }).format(labels).replace(/, or /, " or ");
}

/** What a browser shall offer to choose from: telephones know media types, other computers extensions. */
export function choosable(contentTypes: readonly string[]): string {
  return contentTypes.flatMap((one) => [one, ...(TYPES[one]?.extensions ?? [])]).join(",");
}
