import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./fixtures/processes.ts";
import { readMeshFile, removeMeshFile, writeMeshFile } from "./mesh-file.ts";

const mesh = { registries: ["127.0.0.1:50050", "[::1]:50060"] };

test("tells other programs what was written, and nothing once it is removed", () => {
  const folder = temporaryFolder();
  writeMeshFile(folder, { registries: ["127.0.0.1:1"] });
  writeMeshFile(folder, mesh);

  expect(readMeshFile(folder)).toEqual(mesh);
  expect(readdirSync(folder)).toEqual(["mesh.json"]);

  removeMeshFile(folder);
  removeMeshFile(folder);
  expect(readMeshFile(folder)).toBeUndefined();
});

test.each(["", "{", "[]", '{"registries":[]}', '{"registries":[7]}'])("takes a file that says %j for none", (text) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "mesh.json"), text);

  expect(readMeshFile(folder)).toBeUndefined();
});
