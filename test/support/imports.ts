import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** One import of one file of ours by another. Paths are relative to the root, with forward slashes. */
export interface Import {
  from: string;
  to: string;
  /** `import type`: gone at run time. */
  typeOnly: boolean;
}

/** Where a module may import from. The first row whose pattern fits a file is the file's. */
const RULES: readonly { files: RegExp; allowed: readonly RegExp[]; why: string }[] = [
  { files: /^gen\//, allowed: [/^gen\//], why: "generated code stands alone" },
  {
    files: /^runtime\//,
    allowed: [/^runtime\//, /^gen\/(mesh|google|grpc|health)\//],
    why: "the runtime knows no bookstore",
  },
  {
    files: /^interceptors\/(client|server)\//,
    allowed: [/^interceptors\/[^/]+\.ts$/, /^runtime\//, /^gen\/(mesh|google|grpc|health)\//],
    why: "interceptors serve any contract",
  },
  { files: /^interceptors\//, allowed: [/^runtime\//, /^gen\/(mesh|google)\//], why: "interceptors serve any contract" },
  {
    files: /^clients\//,
    allowed: [/^clients\//, /^gen\//, /^runtime\//, /^interceptors\/(client\/|[^/]+\.ts$)/],
    why: "clients call, they do not serve",
  },
  {
    files: /^services\//,
    allowed: [/^gen\//, /^runtime\//, /^clients\//, /^interceptors\/server\//],
    why: "services talk to each other by their contracts only",
  },
  { files: /^(cli|test|bench|tools|kubernetes)\//, allowed: [/./], why: "" },
  { files: /^[^/]+\.ts$/, allowed: [/./], why: "" },
];

/** Tests, and what several of them share. */
const TEST = /\.test\.ts$|\/testing(-[a-z-]+)?\.ts$|\/testing\//;

/**
 * The imports that the architecture does not allow, each as a sentence.
 *
 * Tests may use test/ and the client of what they test, besides what their folder may.
 */
export function forbiddenImports(imports: readonly Import[]): string[] {
  return imports.flatMap((one) => {
    const rule = RULES.find(({ files }) => files.test(one.from));
    if (rule === undefined) return [`${one.from} is in no folder of the architecture`];
    const isTest = TEST.test(one.from);
    if (isTest && /^(test|clients|gen|interceptors|runtime)\//.test(one.to)) return [];
    const sameInterceptorSide = /^interceptors\/(client|server)\//.exec(one.from);
    if (sameInterceptorSide !== null && one.to.startsWith(sameInterceptorSide[0])) return [];
    const service = /^services\/[^/]+\//.exec(one.from);
    if (service !== null && one.to.startsWith(service[0])) return [];
    if (rule.allowed.some((pattern) => pattern.test(one.to))) return [];
    return [`${one.from} must not import ${one.to}: ${rule.why}`];
  });
}

/** Every import between the files below some folders. */
export function importsBelow(root: string, folders: readonly string[]): Import[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .flatMap((entry) => {
        const path = join(entry.parentPath, entry.name);
        return importsOf(path.slice(root.length + 1), readFileSync(path, "utf8"));
      }),
  );
}

const STATEMENT = /^\s*(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?["'](\.[^"']+)["']|\bimport\(\s*["'](\.[^"']+)["']/gm;

/** The imports in the text of one file. */
export function importsOf(from: string, text: string): Import[] {
  return [...text.matchAll(STATEMENT)].map(([, type, statically, dynamically]) => ({
    from,
    to: normalize(join(dirname(from), statically ?? dynamically ?? "")),
    typeOnly: type !== undefined,
  }));
}
