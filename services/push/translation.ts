/** A text and the language it is in; "" where nobody said. */
export interface LocalizedText {
  content: string;
  language: string;
}

/** What a user reads, as far as the user has said. */
export interface ReaderLocale {
  language: string;
  country: string;
}

/**
 * The text for a reader, in the tag that bestTag() finds.
 *
 * @param fallback the text for readers whose language is not among the translations.
 */
export function chooseText(fallback: string, translations: ReadonlyMap<string, string>, reader: ReaderLocale): LocalizedText {
  const tag = bestTag([...translations.keys()], reader);
  return tag === undefined ? { content: fallback, language: "" } : { content: translations.get(tag) ?? fallback, language: tag };
}

/**
 * The one of some language tags that fits a reader best.
 *
 * The language is looked up as RFC 4647 (section 3.4) does it: the most
 * specific tag first, then shorter ones. A country makes the language more
 * specific: a reader of "pt" in BR gets "pt-BR" before "pt". Then any
 * relative of the language will do: "zh-TW" for a reader of "zh-CN".
 */
export function bestTag(tags: readonly string[], reader: ReaderLocale): string | undefined {
  const byCanonical = new Map(tags.map((tag) => [canonical(tag), tag]));
  for (const wanted of tagsOf(reader)) {
    const tag = byCanonical.get(wanted);
    if (tag !== undefined) return tag;
  }
  const primary = canonical(reader.language).split("-")[0];
  for (const [known, tag] of byCanonical) {
    if (primary !== "" && known.split("-")[0] === primary) return tag;
  }
  return undefined;
}

/** The tags to look for, most specific first. */
function tagsOf({ language, country }: ReaderLocale): string[] {
  const full = canonical(language);
  if (full === "") return [];
  const tags = [full];
  for (let tag = full; tag.includes("-"); ) {
    tag = tag.slice(0, tag.lastIndexOf("-"));
    tags.push(tag);
  }
  const primary = full.split("-")[0] ?? full;
  const regional = isRegion(country) ? canonical(`${primary}-${country}`) : "";
  // A region that the reader's own tag names wins over the country the reader lives in.
  return full === primary && regional !== "" ? [regional, ...tags] : tags;
}

/** Whether a country is given by its code of ISO 3166-1 ("CN"). */
export function isRegion(country: string): boolean {
  return /^[A-Za-z]{2}$/.test(country);
}

/** Whether a text is a language tag of BCP 47. */
export function isTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/** The one spelling of a tag ("ZH-hans-cn" is "zh-Hans-CN", and so is "zh_Hans_CN", as many systems write it), or the text in lower case where it is no tag. */
export function canonical(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag.replaceAll("_", "-"))[0] ?? "";
  } catch {
    return tag.toLowerCase();
  }
}
