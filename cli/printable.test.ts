import { printable } from "./printable.ts";

test("shows what steers terminals, old ones too, instead of sending it", () => {
  expect(printable("\u001b[2J \u009b2J \r \u007f")).toBe("\\u001b[2J \\u009b2J \\u000d \\u007f");
});

test("leaves text in any script as it is", () => {
  expect(printable("Ünheard Öf\n\t书 📚")).toBe("Ünheard Öf\n\t书 📚");
});
