import { relative } from "node:path";
import { credentialPath } from "./certs/credential-folder.ts";

/** How grpcurl is told who calls, for a command to copy: paths are those from where the reader is. */
export function grpcurlAs(folder: string, cwd = process.cwd()): string {
  const files = (["ca", "certificate", "key"] as const).map((kind) => quoted(pathFrom(cwd, credentialPath(folder, kind))));
  return `grpcurl -cacert ${files[0]} -cert ${files[1]} -key ${files[2]}`;
}

/** The shorter of a relative path that stays below, and the absolute one. */
export function pathFrom(cwd: string, path: string): string {
  const below = relative(cwd, path);
  return below === "" || below.startsWith("..") ? path : below;
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
