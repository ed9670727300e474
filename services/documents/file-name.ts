import { Failure } from "../../runtime/errors.ts";

/** What file systems take. */
const MAX_BYTES = 255;

/** Control characters, and those that cannot be seen: some of them turn what follows around ("cod.exe" for "exe.doc"). */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;
/** What Windows has in no name. */
const FORBIDDEN = /[<>:"|?*]/g;

/**
 * A name that is safe to give to any file system, to a header and to a page that escapes it.
 *
 * @throws Failure NAME_UNUSABLE if nothing is left of it.
 */
export function cleanFileName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  const seen = last.normalize("NFC").replace(/\s/gu, " ").replace(UNSEEN, "").replace(FORBIDDEN, "_");
  // A dot in front hides a file; dots and spaces behind get lost on Windows.
  const cleaned = shortened(seen.replace(/ +/g, " ").replace(/^[. ]+/, "")).replace(/[. ]+$/, "");
  if (/[^_ .]/.test(cleaned)) return cleaned;
  throw new Failure("invalid", "name has nothing in it that a file can be called", {
    reason: "NAME_UNUSABLE",
    violations: [{ field: "name", description: "must have letters or digits behind the last slash" }],
  });
}

/** Cuts the middle out: the end says what kind of file it is. */
function shortened(name: string): string {
  const extension = /\.[\p{L}\p{N}]{1,16}$/u.exec(name)?.[0] ?? "";
  let stem = [...name.slice(0, name.length - extension.length)];
  while (Buffer.byteLength(stem.join("") + extension) > MAX_BYTES) stem = stem.slice(0, -1);
  return stem.join("") + extension;
}
