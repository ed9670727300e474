import { readFileSync } from "node:fs";
import type { JsonObject } from "@bufbuild/protobuf";
import { type MethodContract, serviceContractIn } from "../runtime/contracts.ts";
import { authorizationDocument, meshContracts, meshIdentities } from "../tools/authorization-document.ts";
import { LONE_SERVICE, registryOf } from "./support/contracts.ts";

function contractOf(policy: JsonObject): MethodContract[] {
  const registry = registryOf({
    policy: { defaultDeadline: "1s", endUser: "END_USER_NONE", ...policy },
    field: { type: "STRING" },
  });
  return [...serviceContractIn(registry, LONE_SERVICE).values()];
}

/** The tables of a page, as they are to be read: without what only makes columns equally wide. */
function tablesOf(page: string): string[] {
  const lines = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| --"));
  return lines.map((line) => line.replace(/ +/g, " "));
}

test("docs/authorization.md is what the contracts say", () => {
  const page = readFileSync(new URL("../docs/authorization.md", import.meta.url), "utf8");

  if (page !== authorizationDocument(meshContracts, meshIdentities)) {
    throw new Error("docs/authorization.md is not what the contracts say: run npm run docs:authorization");
  }
});

test("has a column for each identity that a contract names or that is there, and one for all others", () => {
  expect(tablesOf(authorizationDocument(contractOf({ callers: ["orders", "gateway"] }), ["orders", "register"]))).toEqual([
    "| method | end user | gateway | orders | register | any other |",
    "| `Call` | – | ✓ | ✓ | – | – |",
  ]);
});

test.each<[string, JsonObject, string]>([
  ["every identity for a star", { callers: ["*"] }, "| `Call` | – | ✓ | ✓ |"],
  ["nobody where nobody is named", { callers: [] }, "| `Call` | – | – | – |"],
  ["a user where one has to be signed in", { endUser: "END_USER_SIGNED_IN" }, "| `Call` | signed in | – | – |"],
  [
    "the field that has to hold the user's id",
    { endUser: "END_USER_SIGNED_IN", endUserField: "value" },
    "| `Call` | own `value` | – | – |",
  ],
  ["an administrator where it takes one", { endUser: "END_USER_ADMIN" }, "| `Call` | administrator | – | – |"],
])("shows %s", (_what, policy, row) => {
  expect(tablesOf(authorizationDocument(contractOf(policy), ["orders"]))).toContain(row);
});
