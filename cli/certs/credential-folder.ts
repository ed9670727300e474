import { randomBytes } from "node:crypto";
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { CREDENTIAL_FILES } from "../../runtime/credential-files.ts";
import { ifMissing, syncFolder, writeDurably } from "./durable.ts";

/** The three files with which a process proves who it is, and checks who others are. All are PEM. */
export interface CredentialFiles {
  /** ca.crt: the roots that are trusted. */
  readonly ca: string;
  /** tls.crt: the certificate. */
  readonly certificate: string;
  /** tls.key: its private key. */
  readonly key: string;
}

const CURRENT = "..data";
const NEXT = "..data_tmp";
/** What versions are called, and links that were never put into place. */
const OURS = /^\.\.(\d{4}_|data_tmp)|^\.(ca|tls)\.(crt|key)\.tmp$/;

/**
 * Writes credentials so that a reader finds all of the old ones or all of the new ones, whenever the writer is stopped.
 *
 * It is done as Kubernetes does it for a mounted Secret: the files are links to ..data/<file>, and
 * ..data is a link to a folder with one version, which one rename replaces. The version before stays
 * for readers that have begun; those that open file after file must check that key and certificate
 * belong together, and look again if not.
 *
 * Two writers of one folder must exclude each other. A folder that is made is for its owner alone.
 */
export async function writeCredentials(folder: string, files: CredentialFiles, now = new Date()): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const before = await versionOf(folder);
  const version = `..${now.toISOString().replace(/[-:T]/g, "_").replace("Z", "")}.${randomBytes(4).toString("hex")}`;
  try {
    await writeVersion(join(folder, version), files);
    // In a new folder they lead nowhere until the next line, and then all of them lead to all there is.
    for (const name of Object.values(CREDENTIAL_FILES)) await linkOnce(folder, name);
    await replaceByLink(join(folder, CURRENT), version, join(folder, NEXT));
  } catch (error) {
    // Where the disk is full, trying again and again is not to make it fuller.
    await rm(join(folder, version), { recursive: true, force: true });
    throw error;
  }
  await syncFolder(folder);

  const leftovers = (await readdir(folder)).filter((name) => OURS.test(name) && name !== version && name !== before);
  for (const name of leftovers) await rm(join(folder, name), { recursive: true, force: true });
}

/**
 * Reads credentials, all of one version.
 *
 * @returns undefined if one of the files is not there.
 */
export async function readCredentials(folder: string): Promise<CredentialFiles | undefined> {
  for (let attempt = 1; ; attempt++) {
    const version = await versionOf(folder);
    const from = version === undefined ? folder : join(folder, version);
    const [ca, certificate, key] = await Promise.all(
      (["ca", "certificate", "key"] as const).map((kind) => readFile(credentialPath(from, kind), "utf8").catch(ifMissing)),
    );
    if (ca !== undefined && certificate !== undefined && key !== undefined) return { ca, certificate, key };
    // Two writes may have passed meanwhile, of which the second has removed what is read here.
    if (attempt === ATTEMPTS) return undefined;
  }
}

const ATTEMPTS = 3;

/** The path of one of the files. */
export function credentialPath(folder: string, kind: keyof CredentialFiles): string {
  return join(folder, CREDENTIAL_FILES[kind]);
}

async function writeVersion(path: string, files: CredentialFiles): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  for (const [kind, name] of Object.entries(CREDENTIAL_FILES) as [keyof CredentialFiles, string][]) {
    await writeDurably(join(path, name), files[kind], kind === "key" ? 0o600 : 0o644);
  }
  await syncFolder(path);
}

async function linkOnce(folder: string, name: string): Promise<void> {
  const target = join(CURRENT, name);
  const path = join(folder, name);
  const isLinked = (await lstat(path).catch(ifMissing))?.isSymbolicLink() && (await readlink(path)) === target;
  if (!isLinked) await replaceByLink(path, target, join(folder, `.${name}.tmp`));
}

async function replaceByLink(path: string, target: string, temporary: string): Promise<void> {
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, path);
}

/** The version that a folder shows, if it is one of ours. */
async function versionOf(folder: string): Promise<string | undefined> {
  return await readlink(join(folder, CURRENT)).catch(ifMissing);
}
