import { IntlMessageFormat } from "intl-messageformat";
import { de } from "./messages/de.ts";
import { en } from "./messages/en.ts";
import { es } from "./messages/es.ts";
import { fr } from "./messages/fr.ts";
import type { MessageKey, Messages } from "./messages/message.ts";
import { zh } from "./messages/zh.ts";
import { bestTag, canonical, isRegion, isTag, type ReaderLocale } from "./translation.ts";

export const languages = { en, zh, de, es, fr } as const satisfies Record<string, Messages>;

export type Language = keyof typeof languages;

/** How to speak to a reader. */
export interface Voice {
  /** The language of the messages. */
  language: Language;
  /** That language as the reader's country writes numbers, money and dates ("de-AT"). */
  locale: string;
}

/** The voice for a reader: of the languages that there are the one that fits best, else English. */
export function voiceFor(reader: ReaderLocale): Voice {
  const language = (bestTag(Object.keys(languages), reader) ?? "en") as Language;
  const own = canonical(reader.language);
  // The reader's own tag, where it is one, of this language, and says where the reader is at home. People may name anything.
  if (own.startsWith(`${language}-`) && isTag(own)) return { language, locale: own };
  return { language, locale: isRegion(reader.country) ? `${language}-${reader.country.toUpperCase()}` : language };
}

/** Parsing a message takes a hundred times as long as filling it in. */
const parsed = new Map<string, IntlMessageFormat>();

/** A message in a language, its blanks filled in. */
export function phrase(language: Language, key: MessageKey, values: Record<string, string | number> = {}): string {
  const name = `${language} ${key}`;
  // No tags: what people write may well have a "<" in it.
  const format = parsed.get(name) ?? new IntlMessageFormat(languages[language][key], language, undefined, { ignoreTag: true });
  parsed.set(name, format);
  return String(format.format(values));
}
