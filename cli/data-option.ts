import { resolve } from "node:path";
import { Option } from "commander";

/** `--data`: the folder that the services keep their data in, the same for every command, wherever it is run. */
export function dataOption(): Option {
  const folder = resolve(import.meta.dirname, "..", ".bookmesh");
  return new Option("--data <folder>", "where the services keep their data").default(folder, ".bookmesh in the project folder");
}
