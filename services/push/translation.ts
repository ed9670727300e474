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
 * Only tags of the reader's language will do. First come those in the script
 * that the reader reads, said or not: "zh-TW" means "zh-Hant-TW". Among them
 * the language is looked up as RFC 4647 (section 3.4) does it: the most
 * specific tag first, then shorter ones. A country makes the language more
 * specific: a reader of "pt" in BR gets "pt-BR" before "pt". Then come
 * relatives: of the reader's region, then of the region where most speak the
 * language. A reader who has named no language gets the main one of the country.
 */
export function bestTag(tags: readonly string[], { language, country }: ReaderLocale): string | undefined {
  const reader = { language: canonical(language === "" ? mainLanguageOf(country) : language), country };
  const primary = primaryOf(reader.language);
  if (primary === "") return undefined;
  const lookedFor = tagsOf(reader);
  const { script, region } = likely(reader.language, country);
  const home = likely(script === undefined ? primary : `${primary}-${script}`).region;
  // Smaller is better, and what comes first counts most. Not by the order of the tags: it is that of a map.
  const rank = (tag: string): number[] => {
    const known = canonical(tag);
    const own = likely(known);
    const position = lookedFor.indexOf(known);
    return [
      own.script === script ? 0 : 1,
      position < 0 ? lookedFor.length : position,
      own.region === region ? 0 : 1,
      own.region === home ? 0 : 1,
    ];
  };
  return tags
    .filter((tag) => primaryOf(canonical(tag)) === primary)
    .map((tag) => ({ tag, rank: rank(tag) }))
    .toSorted((a, b) => compare(a.rank, b.rank) || (a.tag < b.tag ? -1 : 1))[0]?.tag;
}

function compare(a: readonly number[], b: readonly number[]): number {
  return a.map((value, i) => value - (b[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

/** The tags to look for, most specific first. */
function tagsOf({ language, country }: ReaderLocale): string[] {
  const tags = [language];
  for (let tag = language; tag.includes("-"); ) {
    tag = tag.slice(0, tag.lastIndexOf("-"));
    tags.push(tag);
  }
  // A region that the reader's own tag names wins over the country the reader lives in.
  return language === primaryOf(language) && isRegion(country) ? [canonical(`${language}-${country}`), ...tags] : tags;
}

function primaryOf(tag: string): string {
  return tag.split("-")[0] ?? "";
}

/** The script and the region that a tag means, said or not; nothing where it is no tag. */
function likely(tag: string, country = ""): { script?: string | undefined; region?: string | undefined } {
  if (!isTag(tag)) return {};
  const locale = new Intl.Locale(tag);
  return (locale.region === undefined && isRegion(country) ? new Intl.Locale(tag, { region: country }) : locale).maximize();
}

const regionNames = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

/** The language that most speak in a country; "" if there is no such country. */
function mainLanguageOf(country: string): string {
  const isKnown = isRegion(country) && regionNames.of(country.toUpperCase()) !== undefined;
  return isKnown ? new Intl.Locale(`und-${country}`).maximize().language : "";
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

/**
 * The one spelling of a tag ("ZH-hans-cn" is "zh-Hans-CN"), also of one as many
 * systems write it ("zh_Hans_CN", "de_DE.UTF-8", "de_DE@euro"), or the text in
 * lower case where it is no tag.
 */
export function canonical(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag.replace(/[.@].*$/s, "").replaceAll("_", "-"))[0] ?? "";
  } catch {
    return tag.toLowerCase();
  }
}
