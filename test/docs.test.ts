import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Status } from "nice-grpc-common";
import pino from "pino";
import { statusOf } from "../interceptors/server/error-mapping.ts";
import { Failure, failureKinds } from "../runtime/errors.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const sources = globSync("{runtime,interceptors,services}/**/*.ts", { cwd: root }).filter((path) => !path.endsWith(".test.ts"));

/** The first column of the table below a heading. */
function firstColumn(text: string, heading: string): string[] {
  const section = text.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, cell = ""]) => cell);
}

test("docs/errors.md lists every kind of failure, in order", () => {
  expect(firstColumn(read("docs/errors.md"), "Kinds of failure")).toEqual([...failureKinds]);
});

test("docs/errors.md gives each kind of failure the status that it has", () => {
  const section = read("docs/errors.md").split("## Kinds of failure\n")[1]?.split("\n## ")[0] ?? "";
  const written = [...section.matchAll(/^\| `([^`]+)` +\| ([A-Z_]+) +\|/gm)].map(([, kind, status]) => [kind, status]);
  const options = { logger: pino({ level: "silent" }), path: "/test" };

  expect(written).toEqual(failureKinds.map((kind) => [kind, Status[statusOf(new Failure(kind, "no"), options).code]]));
});

test("docs/errors.md lists every reason that the code gives, and no other", () => {
  // Some have a name of their own, or come as the argument of who makes the failure.
  const reason = /(?:reason: |_GONE = |(?:beyond|discard)\()"([A-Z_]+)"/g;
  const given = sources.flatMap((path) => [...read(path).matchAll(reason)].map(([, name = ""]) => name));

  expect(firstColumn(read("docs/errors.md"), "Reasons").toSorted()).toEqual([...new Set(given)].toSorted());
});

test("docs/operations.md names every setting of every service, and no other", () => {
  const settings = globSync("{runtime/config.ts,runtime/events/config.ts,services/*/config.ts}", { cwd: root }).flatMap((path) =>
    [...read(path).matchAll(/^ {2,4}([A-Z][A-Z_]+): /gm)].map(([, name = ""]) => name),
  );
  const table = read("docs/operations.md").split("## Settings\n")[1]?.split("\n## ")[0] ?? "";
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  const named = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([A-Z_]+)`/g)].map(([, name = ""]) => name));

  expect(named.toSorted()).toEqual([...new Set(settings)].toSorted());
});

test("docs/operations.md lists every reason for which a connection is refused, and no other", () => {
  const source = read("interceptors/server/handshake-audit.ts");
  const reasons = [...source.matchAll(/(?:: |return |\? )"([A-Z][A-Z0-9_]+)"/g)].map(([, reason = ""]) => reason);
  const table = read("docs/operations.md").split("`connection refused` has")[1]?.split("\n\n")[1] ?? "";
  const listed = [...table.matchAll(/^\| `([A-Z0-9_]+)`/gm)].map(([, reason = ""]) => reason);

  expect(listed.toSorted()).toEqual([...new Set(reasons)].toSorted());
});

test("every link in the documents leads somewhere", () => {
  const documents = globSync(["*.md", "docs/**/*.md", "services/*/*.md", "kubernetes/*.md", "bench/*/*.md"], { cwd: root });
  const broken = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\(([^)#]+)[^)]*\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^https?:/.test(target) && !existsSync(join(root, dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  );

  expect(documents.length).toBeGreaterThan(8);
  expect(broken).toEqual([]);
});

test("every npm command in the documents is a script", () => {
  const scripts = JSON.parse(read("package.json")).scripts;
  const documents = globSync(["*.md", "docs/**/*.md", "services/*/*.md", "kubernetes/*.md", "bench/*/*.md"], { cwd: root });
  const unknown = documents.flatMap((path) =>
    [...read(path).matchAll(/npm run ([a-z:-]+)/g)].map(([, name = ""]) => name).filter((name) => !(name in scripts)),
  );

  expect(unknown).toEqual([]);
});
