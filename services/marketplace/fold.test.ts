import { fold, foldWords } from "./fold.ts";

test.each([
  ["Les Misérables", "les miserables"],
  ["GABRIEL GARCÍA MÁRQUEZ", "gabriel garcia marquez"],
  ["Cien años de soledad", "cien anos de soledad"],
  ["Straße, Weiß, STRAẞE", "strasse weiss strasse"],
  ["Stanisław Łem", "stanislaw lem"],
  ["Søren Kierkegaard, Þórður Æsir, œuvre", "soren kierkegaard thordur aesir oeuvre"],
  ["İstanbul, Iğdır", "istanbul igdir"],
  ["ﬁve ½ Ⅳ", "five 1 2 iv"],
])("folds %s to %s", (text, folded) => {
  expect(fold(text)).toBe(folded);
});

test.each(["Ender's Game", "Ender’s Game", "Enderʼs Game"])("does not part a word at the apostrophe of %s", (text) => {
  expect(fold(text)).toBe("enders game");
});

test.each([
  ["Преступление и наказание", "преступление и наказание"],
  ["Федор Достоевский", "федор достоевскии"],
  ["Ὀδύσσεια", "οδυσσεια"],
  ["三体", "三体"],
  ["ノルウェイの森", "ノルウェイの森"],
  ["バガボンド がらくた", "バガボンド がらくた"],
  ["채식주의자", "채식주의자"],
  ["गोदान", "गोदान"],
  ["ألف ليلة وليلة", "ألف ليلة وليلة"],
])("leaves the letters of %s as they are", (text, folded) => {
  expect(fold(text)).toBe(folded);
});

test("folds the same whether accents are letters of their own or not", () => {
  expect(fold("Misérables".normalize("NFC"))).toBe(fold("Misérables".normalize("NFD")));
  expect(fold("ガ".normalize("NFC"))).toBe(fold("ガ".normalize("NFD")));
});

test.each(["", "  ", "?!…—", "%_'\"\\", "👍", "\u0301"])("finds no word in %j", (text) => {
  expect(foldWords(text)).toEqual([]);
});

test("changes nothing that is folded already", () => {
  for (const text of ["Les Misérables", "Straße", "バガボンド", "Достоевский", "गोदान", "Ⅳ ½"]) {
    expect(fold(fold(text))).toBe(fold(text));
  }
});
