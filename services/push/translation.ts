/** A text and the language it is in; "" where nobody said. */
export interface LocalizedText {
  content: string;
  language: string;
}

/**
 * The text for a reader.
 *
 * The language is looked up as RFC 4647 (section 3.4) does it: the most
 * specific tag first, then shorter ones. A country makes the language more
 * specific: a reader of "pt" in BR gets "pt-BR" before "pt". Then any
 * translation into the same language will do: "zh-TW" for a reader of "zh-CN".
 *
 * @param fallback the text for readers whose language is not among the translations.
 */
export function chooseText(
  fallback: string,
  translations: ReadonlyMap<string, string>,
  reader: { language: string; country: string },
): LocalizedText {
  const byTag = new Map([...translations].map(([tag, content]) => [canonical(tag), { language: tag, content }]));
  for (const tag of tagsOf(reader)) {
    const text = byTag.get(tag);
    if (text !== undefined) return text;
  }
  const primary = canonical(reader.language).split("-")[0];
  for (const [tag, text] of byTag) {
    if (primary !== "" && tag.split("-")[0] === primary) return text;
  }
  return { content: fallback, language: "" };
}

/** The tags to look for, most specific first. */
function tagsOf({ language, country }: { language: string; country: string }): string[] {
  const full = canonical(language);
  if (full === "") return [];
  const tags = [full];
  for (let tag = full; tag.includes("-"); ) {
    tag = tag.slice(0, tag.lastIndexOf("-"));
    tags.push(tag);
  }
  const primary = full.split("-")[0] ?? full;
  const regional = /^[A-Za-z]{2}$/.test(country) ? canonical(`${primary}-${country}`) : "";
  // A region that the reader's own tag names wins over the country the reader lives in.
  return full === primary && regional !== "" ? [regional, ...tags] : tags;
}

/** The one spelling of a tag ("ZH-hans-cn" is "zh-Hans-CN"), or the text in lower case where it is no tag. */
function canonical(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? "";
  } catch {
    return tag.toLowerCase();
  }
}
