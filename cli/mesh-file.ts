import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const NAME = "mesh.json";

/** What other programs on this machine need to know of a mesh that runs. */
const meshFile = z.object({
  /** Each as "host:port". */
  registries: z.array(z.string().min(1)).min(1),
});

type MeshFile = z.output<typeof meshFile>;

/** Says in a folder that a mesh runs. Who reads it sees all of it or nothing. */
export function writeMeshFile(folder: string, mesh: MeshFile): void {
  const path = join(folder, NAME);
  writeFileSync(`${path}.new`, `${JSON.stringify(mesh)}\n`);
  renameSync(`${path}.new`, path);
}

/** Nothing happens if there is none. */
export function removeMeshFile(folder: string): void {
  rmSync(join(folder, NAME), { force: true });
}

/** @returns undefined if there is none, or none that can be read. */
export function readMeshFile(folder: string): MeshFile | undefined {
  try {
    return meshFile.parse(JSON.parse(readFileSync(join(folder, NAME), "utf8")));
  } catch {
    return undefined;
  }
}
