/** Letters that Unicode does not take apart into a base letter and a mark. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  đ: "d",
  ð: "d",
  þ: "th",
  ł: "l",
  ı: "i",
  ħ: "h",
};
const SPECIAL = new RegExp(`[${Object.keys(LETTERS).join("")}]`, "g");

/**
 * The words of a text as they are compared: without case, accents and
 * punctuation. "Les Misérables" is ["les", "miserables"]; an apostrophe does not
 * part a word.
 */
export function foldWords(text: string): string[] {
  const plain = text
    .normalize("NFKD")
    // Accents, not every mark: the vowels of Devanagari and the dots of kana are marks too.
    .replace(/[\u0300-\u036F'’ʼ]/g, "")
    .normalize("NFC")
    .toLowerCase()
    .replace(SPECIAL, (letter) => LETTERS[letter] ?? letter);
  return plain.match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
}

/** The words of a text as one line, for comparing and sorting. */
export function fold(text: string): string {
  return foldWords(text).join(" ");
}
