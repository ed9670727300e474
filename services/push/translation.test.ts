import { chooseText } from "./translation.ts";

function choose(language: string, country: string, tags: string[]): string {
  const translations = new Map(tags.map((tag) => [tag, `in ${tag}`]));
  const { content, language: chosen } = chooseText("fallback", translations, { language, country });
  expect(content).toBe(chosen === "" ? "fallback" : `in ${chosen}`);
  return chosen;
}

test.each([
  ["zh-CN", "", ["en", "zh-CN", "zh"], "zh-CN"],
  ["zh-CN", "", ["en", "zh"], "zh"],
  ["zh-Hant-TW", "", ["zh", "zh-Hant"], "zh-Hant"],
  ["de-Latn-DE-1996", "", ["de", "de-Latn-DE"], "de-Latn-DE"],
  ["en-GB", "", ["en-US", "en"], "en"],
])("looks up %s of %j among %j as RFC 4647 does: %s", (language, country, tags, expected) => {
  expect(choose(language, country, tags)).toBe(expected);
});

test.each([
  ["pt", "BR", ["pt", "pt-BR"], "pt-BR"],
  ["pt", "br", ["pt", "pt-BR"], "pt-BR"],
  ["pt", "BR", ["pt", "pt-PT"], "pt"],
  ["pt", "Brazil", ["pt-BR", "pt"], "pt"],
  ["pt-PT", "BR", ["pt-BR", "pt-PT"], "pt-PT"],
  ["pt-AO", "BR", ["pt-BR", "pt"], "pt"],
])("lets the country make %s in %s more specific, but not overrule it: %j", (language, country, tags, expected) => {
  expect(choose(language, country, tags)).toBe(expected);
});

test.each([
  ["zh-CN", "CN", ["en", "zh-TW"], "zh-TW"],
  ["zh", "", ["en", "zh-Hans"], "zh-Hans"],
  ["es-MX", "MX", ["es-ES", "es-AR"], "es-ES"],
  ["es-MX", "MX", ["es-AR", "es-ES"], "es-ES"],
  ["zh-Hant-TW", "TW", ["zh-HK", "zh-TW"], "zh-TW"],
  ["zh-Hant-TW", "TW", ["zh-TW", "zh-HK"], "zh-TW"],
  ["pt-AO", "", ["pt-PT", "pt-MZ"], "pt-MZ"],
  ["pt-AO", "", ["pt-MZ", "pt-PT"], "pt-MZ"],
])("takes a relative of %s (%s) before a foreign language: %j", (language, country, tags, expected) => {
  expect(choose(language, country, tags)).toBe(expected);
});

test.each([
  ["zh-Hant-TW", "TW", ["zh-CN", "zh-TW"], "zh-TW"],
  ["zh-TW", "TW", ["zh-Hans", "zh-Hant"], "zh-Hant"],
  ["zh", "TW", ["zh-Hans", "zh-Hant"], "zh-Hant"],
  ["zh", "TW", ["zh", "zh-Hant"], "zh-Hant"],
  ["zh-HK", "", ["zh", "zh-Hant"], "zh-Hant"],
  ["zh-HK", "", ["zh-CN", "zh-TW"], "zh-TW"],
  ["zh-SG", "", ["zh-Hant", "zh-CN"], "zh-CN"],
  ["zh-Hans", "TW", ["zh-TW", "zh-CN"], "zh-CN"],
  ["sr", "ME", ["sr-Cyrl", "sr-Latn"], "sr-Latn"],
])("takes the script that a reader of %s (%j) reads, among %j", (language, country, tags, expected) => {
  expect(choose(language, country, tags)).toBe(expected);
  expect(choose(language, country, tags.toReversed())).toBe(expected);
});

test.each([
  ["DE", ["en", "de"], "de"],
  ["at", ["en", "de-DE", "de-AT"], "de-AT"],
  ["TW", ["en", "zh-CN", "zh-Hant"], "zh-Hant"],
  ["JP", ["en", "de"], ""],
  ["XX", ["en", "de"], ""],
  ["Germany", ["en", "de"], ""],
])("gives a reader in %s who has named no language the main one of the country, where %j has it", (country, tags, expected) => {
  expect(choose("", country, tags)).toBe(expected);
});

test.each([
  ["ZH-cn", ["zh-CN"], "zh-CN"],
  ["zh-CN", ["ZH-CN"], "ZH-CN"],
  ["iw", ["he"], "he"],
  ["DE", ["de-at"], "de-at"],
  ["en_US", ["en"], "en"],
  ["zh_CN", ["zh-TW", "zh_Hans_CN", "zh-CN"], "zh-CN"],
  ["zh_Hans_CN", ["zh", "zh-Hans"], "zh-Hans"],
  ["de_DE.UTF-8", ["en", "de"], "de"],
  ["de_DE@euro", ["en", "de-AT", "de-DE"], "de-DE"],
])("takes %s and %j for what they mean, however they are spelt", (language, tags, expected) => {
  expect(choose(language, "", tags)).toBe(expected);
});

test.each([
  ["", ["en", "zh"]],
  ["fr", ["en", "zh"]],
  ["e", ["en"]],
  ["Klingon, please", ["en"]],
  ["*", ["en"]],
  ["-", ["en"]],
  ["zho\u0000", ["zh"]],
  ["__proto__", ["en"]],
  ["en", []],
])("falls back for a reader of %j when there is %j", (language, tags) => {
  expect(choose(language, "XX", tags)).toBe("");
});

test("does not take a language for another whose tag begins with the same letters", () => {
  expect(choose("fil", "", ["fi"])).toBe("");
  expect(choose("fi", "", ["fil-PH"])).toBe("");
});
