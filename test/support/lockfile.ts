export interface PackageLock {
  packages: Record<string, LockedPackage>;
}

interface LockedPackage {
  version: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const SYSTEMS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
/** As they are in the names of packages, and as npm calls them. */
const PROCESSORS: Readonly<Record<string, string>> = {
  arm64: "arm64",
  aarch64: "arm64",
  arm: "arm",
  armv7: "arm",
  x64: "x64",
  ia32: "ia32",
  loong64: "loong64",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
};

/** The entries for optional packages that others name and the lockfile does not have, by their places. */
export function missingBinaries(lock: PackageLock): Record<string, LockedPackage> {
  const missing: Record<string, LockedPackage> = {};
  for (const [place, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(optionalDependencies)) {
      if (`node_modules/${name}` in lock.packages || `${place}/node_modules/${name}` in lock.packages) continue;
      const words = name.slice(name.indexOf("/") + 1).split("-");
      const system = SYSTEMS.find((word) => words.includes(word));
      const processor = words.map((word) => PROCESSORS[word]).find((word) => word !== undefined);
      missing[`node_modules/${name}`] = {
        version: range.replace(/^[\^~]/, ""),
        ...(processor === undefined ? {} : { cpu: [processor] }),
        ...(dev === true ? { dev } : {}),
        ...(words.some((word) => word.startsWith("musl")) ? { libc: ["musl"] } : {}),
        optional: true,
        ...(system === undefined ? {} : { os: [system] }),
      };
    }
  }
  return missing;
}
