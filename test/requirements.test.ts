import { existsSync, readFileSync } from "node:fs";

interface Row {
  id: string;
  status: string;
  evidence: string;
}

const root = new URL("../", import.meta.url);
const [header, ...lines] = readFileSync(new URL("docs/requirements.tsv", root), "utf8").trimEnd().split("\n");
const rows: Row[] = lines.map((line) => {
  const [id = "", status = "", evidence = ""] = line.split("\t");
  return { id, status, evidence };
});

test("the table has a header and one row for each requirement of the five source systems", () => {
  expect(header).toBe("id\tstatus\ttest");
  const all = [
    ["N", 21],
    ["C", 25],
    ["U", 12],
    ["G", 28],
    ["F", 17],
  ] as const;
  const ids = all.flatMap(([group, count]) =>
    Array.from({ length: count }, (_, i) => `${group}${String(i + 1).padStart(2, "0")}`),
  );
  expect(rows.map(({ id }) => id)).toEqual(ids);
  expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(["working", "partly", "open"]));
});

test.each(rows.filter(({ status }) => status !== "open").map((row) => [row.id, row] as const))(
  "%s is shown to work by a test that exists",
  (_id, { evidence }) => {
    for (const shown of evidence.split(" | ")) {
      const colon = shown.indexOf(": ");
      const [file, name] = [shown.slice(0, colon), shown.slice(colon + 2)];
      expect(file).toMatch(/\.test\.ts$/);
      expect(existsSync(new URL(file, root))).toBe(true);
      const text = readFileSync(new URL(file, root), "utf8");
      const quoted = [`"${name}"`, `'${name}'`, `\`${name}\``];
      expect({ name, found: quoted.some((literal) => text.includes(literal)) }).toEqual({ name, found: true });
    }
  },
);

test("a row that is open names no test", () => {
  expect(rows.filter(({ status, evidence }) => status === "open" && evidence !== "")).toEqual([]);
});
