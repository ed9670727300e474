import { readFileSync } from "node:fs";
import { missingBinaries, type PackageLock } from "./support/lockfile.ts";

const read = (name: string) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));

test("the lockfile lists the binaries for every platform (npm run lockfile:complete)", () => {
  const lock: PackageLock = read("package-lock.json");

  expect(Object.keys(missingBinaries(lock))).toEqual([]);
});

test("a binary that the lockfile does not list is found, with its platform", () => {
  const lock = {
    packages: {
      "node_modules/tool": { version: "1.0.0", dev: true, optionalDependencies: { "@tool/linux-arm64-musl": "^1.2.3" } },
    },
  };

  expect(missingBinaries(lock)).toEqual({
    "node_modules/@tool/linux-arm64-musl": {
      version: "1.2.3",
      cpu: ["arm64"],
      dev: true,
      libc: ["musl"],
      optional: true,
      os: ["linux"],
    },
  });
});

test("every dependency has one exact version, and no address of a registry is in the lockfile", () => {
  const { dependencies, devDependencies } = read("package.json");
  const versions = Object.values<string>({ ...dependencies, ...devDependencies });

  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  expect(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8")).not.toContain('"resolved"');
});
