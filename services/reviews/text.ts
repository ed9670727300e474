/** A letter, a digit, a sign or a mark: what can be seen, unlike spaces and joiners of no width. */
const SEEN = /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u;

/**
 * A text as it is kept: with the line ends of this system, and without white
 * space around it. What shows nothing at all is "".
 */
export function tidyText(text: string): string {
  const tidy = text.replaceAll(/\r\n?/g, "\n").trim();
  return SEEN.test(tidy) ? tidy : "";
}
