import { splitBetween } from "./routed.ts";

type Shares = Record<string, number>;

function split(shares: Shares, there: string[]): Shares {
  const asList = Object.entries(shares).map(([version, percent]) => ({ version, percent }));
  return Object.fromEntries(splitBetween(asList, new Set(there)).map(({ version, percent }) => [version, percent]));
}

test.each<[string, Shares, string[], Shares]>([
  ["all versions are there", { v1: 90, v2: 10 }, ["v1", "v2", "v3"], { v1: 90, v2: 10 }],
  ["one of two is gone", { v1: 90, v2: 10 }, ["v2"], { v1: 0, v2: 100 }],
  ["one of three is gone", { v1: 50, v2: 30, v3: 20 }, ["v2", "v3"], { v1: 0, v2: 60, v3: 40 }],
  ["the parts are not whole numbers", { v1: 40, v2: 20, v3: 20, v4: 20 }, ["v2", "v3", "v4"], { v1: 0, v2: 34, v3: 33, v4: 33 }],
  ["what rounds down most gets what is left", { v1: 1, v2: 33, v3: 66 }, ["v2", "v3"], { v1: 0, v2: 33, v3: 67 }],
  ["the one with everything is gone", { v1: 100, v2: 0, v3: 0 }, ["v2", "v3"], { v1: 0, v2: 50, v3: 50 }],
  ["one without a share is gone", { v1: 100, v2: 0 }, ["v1"], { v1: 100, v2: 0 }],
  ["all are gone", { v1: 90, v2: 10 }, ["v3"], {}],
  ["nothing is divided", {}, ["v1"], {}],
])("where %s", (_when, shares, there, expected) => {
  expect(split(shares, there)).toEqual(expected);
});

test("whatever is gone, the rest makes 100, and who has more keeps more", () => {
  for (let seed = 1; seed < 2_000; seed++) {
    const cuts = Array.from({ length: 7 }, (_, i) => (seed * 7_919 * (i + 1)) % 101).sort((a, b) => a - b);
    const parts = [...cuts, 100].map((cut, i) => cut - (cuts[i - 1] ?? 0));
    const shares = Object.fromEntries(parts.map((percent, i) => [`v${i}`, percent]));
    const there = Object.keys(shares).filter((_, i) => (seed >> i) & 1);
    if (there.length === 0) continue;

    const kept = split(shares, there);

    expect(Object.values(kept).reduce((sum, percent) => sum + percent, 0)).toBe(100);
    for (const version of Object.keys(shares)) if (!there.includes(version)) expect(kept[version]).toBe(0);
    const ordered = there.toSorted((a, b) => (shares[a] ?? 0) - (shares[b] ?? 0)).map((version) => kept[version] ?? 0);
    for (let i = 1; i < ordered.length; i++) expect((ordered[i] ?? 0) + 1).toBeGreaterThanOrEqual(ordered[i - 1] ?? 0);
  }
});
