import { IntlMessageFormat } from "intl-messageformat";
import { en } from "./messages/en.ts";
import type { MessageKey } from "./messages/message.ts";
import { type Language, languages, phrase, voiceFor } from "./phrase.ts";

const others = Object.keys(languages).filter((language) => language !== "en") as Language[];
const keys = Object.keys(en) as MessageKey[];

interface Element {
  type: number;
  value: unknown;
  options?: Record<string, { value: Element[] }>;
}

/** The names of what is filled into a message, with what is chosen by them. */
function blanks(message: string): string[] {
  const found = new Set<string>();
  const visit = (elements: readonly Element[]) => {
    for (const { type, value, options } of elements) {
      // 0 is literal text, 7 the "#" of a plural.
      if (type !== 0 && type !== 7) found.add(`${value}`);
      for (const option of Object.values(options ?? {})) visit(option.value);
    }
  };
  visit(new IntlMessageFormat(message, "en", undefined, { ignoreTag: true }).getAst() as Element[]);
  return [...found].sort();
}

/** The options that each choice of a message has, but those of plurals: languages differ in them. */
function choices(message: string): string[] {
  const found: string[] = [];
  const visit = (elements: readonly Element[]) => {
    for (const { type, value, options = {} } of elements) {
      if (type === 5) found.push(`${value}: ${Object.keys(options).sort()}`);
      for (const option of Object.values(options)) visit(option.value);
    }
  };
  visit(new IntlMessageFormat(message, "en", undefined, { ignoreTag: true }).getAst() as Element[]);
  return found.sort();
}

test.each(others)("%s has every message, and no other", (language) => {
  expect(Object.keys(languages[language]).sort()).toEqual([...keys].sort());
});

test.each(others)("the messages of %s are filled with what those of English are", (language) => {
  for (const key of keys) {
    const message = languages[language][key];
    expect({ key, blanks: blanks(message) }).toEqual({ key, blanks: blanks(en[key]) });
    expect({ key, choices: choices(message) }).toEqual({ key, choices: choices(en[key]) });
    expect(message).not.toBe(en[key]);
  }
});

test.each(Object.keys(languages) as Language[])("every message of %s can be said, of one and of many", (language) => {
  for (const key of keys) {
    for (const count of [0, 1, 2, 1_000_000]) {
      const values = Object.fromEntries(blanks(en[key]).map((name) => [name, name === "count" ? count : `<${name}>`]));
      const said = phrase(language, key, values);
      expect(said.trim()).not.toBe("");
      expect(said).not.toMatch(/[{}#]|undefined/);
    }
  }
});

test.each(Object.keys(languages) as Language[])("every plural of %s has the forms that the language has", (language) => {
  const wanted = new Intl.PluralRules(language).resolvedOptions().pluralCategories.filter((form) => form !== "many");
  for (const key of keys) {
    for (const [, forms = ""] of languages[language][key].matchAll(/plural,((?:\s*\w+ \{[^{}]*\})+)/g)) {
      const has = [...forms.matchAll(/(\w+) \{/g)].map(([, form]) => form);
      expect({ key, has: has.sort() }).toEqual({ key, has: [...wanted].sort() });
    }
  }
});

test.each([
  ["zh-CN", "CN", "zh", "zh-CN"],
  ["zh", "SG", "zh", "zh-SG"],
  ["zh-Hant-TW", "TW", "zh", "zh-Hant-TW"],
  ["de", "AT", "de", "de-AT"],
  ["de-CH", "DE", "de", "de-CH"],
  ["DE", "", "de", "de"],
  ["es-MX", "", "es", "es-MX"],
  ["fr-CA", "CA", "fr", "fr-CA"],
  ["en-GB", "DE", "en", "en-GB"],
  ["de_CH.UTF-8", "", "de", "de-CH"],
])("speaks to a reader of %s in %j in %s, and writes numbers as in %s", (language, country, expected, locale) => {
  expect(voiceFor({ language, country })).toEqual({ language: expected, locale });
});

test.each([
  ["", "CN", "zh"],
  ["", "AT", "de"],
  ["", "mx", "es"],
  ["", "FR", "fr"],
  ["", "GB", "en"],
  ["", "JP", "en"],
  ["", "China", "en"],
  ["", "", "en"],
])(
  "speaks to a reader who has said %j, in %j, in the language of that country if there is it: %s",
  (language, country, expected) => {
    expect(voiceFor({ language, country }).language).toBe(expected);
  },
);

test.each([
  ["ja", "JP", "en-JP"],
  ["Klingon, please", "DE", "en-DE"],
  ["pt-BR", "BR", "en-BR"],
  ["x", "??", "en"],
])("speaks English to a reader of %j in %j: %s", (language, country, locale) => {
  expect(voiceFor({ language, country })).toEqual({ language: "en", locale });
});
