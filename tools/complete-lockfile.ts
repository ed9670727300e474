// `npm run lockfile:complete`: lists in package-lock.json the binaries for platforms that npm left out.
//
// npm leaves an optional package out of the lockfile when the registry it asks does not serve it, as mirrors
// may not do for platforms they do not care for. `npm ci` then refuses the lockfile everywhere. What is
// added here has no checksum, but its exact version.
import { readFileSync, writeFileSync } from "node:fs";
import { missingBinaries, type PackageLock } from "../test/support/lockfile.ts";

const path = new URL("../package-lock.json", import.meta.url);
const lock: PackageLock = JSON.parse(readFileSync(path, "utf8"));
Object.assign(lock.packages, missingBinaries(lock));
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
