import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { forbiddenImports, importsBelow, importsOf } from "./support/imports.ts";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const imports = importsBelow(root, ["bench", "cli", "clients", "gen", "interceptors", "runtime", "services", "test"]);

test("every import is one that the architecture allows", () => {
  expect(imports.length).toBeGreaterThan(200);
  expect(forbiddenImports(imports)).toEqual([]);
});

test.each([
  ["services/push/handler.ts", 'import { x } from "../register/user.ts";', "services/register/user.ts"],
  ["services/push/user.ts", 'import type { User } from "../register/user.ts";', "services/register/user.ts"],
  ["services/push/store.ts", 'const x = await import("../register/store.ts");', "services/register/store.ts"],
  ["services/push/a.test.ts", 'import { x } from "../register/user.ts";', "services/register/user.ts"],
  ["runtime/run.ts", 'export { Book } from "../gen/bookstore/catalog/v1/book.ts";', "gen/bookstore/catalog/v1/book.ts"],
  ["runtime/run.ts", 'import "../interceptors/server/chain.ts";', "interceptors/server/chain.ts"],
  ["interceptors/server/x.ts", 'import {\n  a,\n  b,\n} from "../client/chain.ts";', "interceptors/client/chain.ts"],
  ["clients/push.ts", 'import { x } from "../interceptors/server/chain.ts";', "interceptors/server/chain.ts"],
  ["gen/x.ts", 'import { x } from "../runtime/run.ts";', "runtime/run.ts"],
])("a forbidden import planted in %s is found", (from, text, to) => {
  expect(forbiddenImports(importsOf(from, text))).toEqual([expect.stringContaining(`${from} must not import ${to}`)]);
});

test("the rules of a service know nothing of gRPC and take only types from the contracts", () => {
  const nouns = [
    "register/user",
    "register/session",
    "register/attempts",
    "push/notification",
    "push/translation",
    "marketplace/book",
    "marketplace/fold",
    "recommendations/shelf",
    "orders/order-state",
    "orders/price",
    "orders/cart",
    "orders/checkout",
    "reviews/review",
    "reviews/comment",
    "documents/document",
    "recommendations/ranking",
    "recommendations/likeness",
    "push/quiet-hours",
    "registry/instance",
    "registry/traffic",
  ];
  for (const noun of nouns) {
    const path = `services/${noun}.ts`;
    const text = readFileSync(`${root}/${path}`, "utf8");
    expect(text).not.toMatch(/from "(nice-grpc|@grpc)/);
    expect(importsOf(path, text).filter(({ to, typeOnly }) => to.startsWith("gen/") && !typeOnly)).toEqual([]);
  }
});

test("only config.ts of a service reads the environment, and hands it to nobody else", () => {
  const readers = ["runtime", "interceptors", "clients", "services"].flatMap((folder) =>
    readdirSync(`${root}/${folder}`, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
      .filter((path) => readFileSync(`${root}/${folder}/${path}`, "utf8").match(/process\.env|env\b.*= process\b/) !== null)
      .map((path) => `${folder}/${path}`)
      // The library that needs the bootstrap looks for it nowhere else.
      .filter((path) => path !== "runtime/xds-bootstrap.ts"),
  );

  // A main.ts names the environment once, as the argument of readConfig.
  expect(readers.filter((path) => !/^services\/[^/]+\/main\.ts$/.test(path))).toEqual([]);
  for (const path of readers) {
    expect(readFileSync(`${root}/${path}`, "utf8").match(/process\.env/g)).toEqual(["process.env"]);
    expect(readFileSync(`${root}/${path}`, "utf8")).toContain("readConfig(configSchema, process.env)");
  }
});
