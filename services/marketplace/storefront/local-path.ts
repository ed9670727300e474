/** Longer ones are not worth going back to. */
const LONGEST = 1_000;
/** Any host will do: what matters is whether the browser would stay there. */
const HERE = "http://here.invalid";

/**
 * The path in this shop that `next` is, read as a browser reads it.
 *
 * @returns "/" for what leads elsewhere, such as "//other.example" or "/\other.example", or nowhere.
 */
export function localPath(next: string | undefined): string {
  if (next === undefined || !next.startsWith("/") || next.length > LONGEST || !URL.canParse(next, HERE)) return "/";
  const { origin, pathname, search } = new URL(next, HERE);
  // "/..//other.example" is "//other.example" once the dots are gone.
  return origin === HERE && !pathname.startsWith("//") ? pathname + search : "/";
}

/** The address of a page that leads back to `next` afterwards. */
export function withNext(path: string, next: string): string {
  return next === "/" ? path : `${path}?${new URLSearchParams({ next })}`;
}
