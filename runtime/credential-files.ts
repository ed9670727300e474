import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { type Identity, identityOf } from "./spiffe.ts";

/** The files in a folder of credentials, as cert-manager names them in its Secrets. */
export const CREDENTIAL_FILES = {
  /** The roots that are trusted, in PEM, one behind the other. */
  ca: "ca.crt",
  /** The certificate, and behind it those between it and a root. */
  certificate: "tls.crt",
  key: "tls.key",
} as const;

/** What a process proves its identity with, and finds out others' by. */
export interface KeyMaterial {
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly identity: Identity;
  /** What is in `ca`. */
  readonly roots: readonly X509Certificate[];
  /** When all certificates from it to its root are valid. */
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Thrown for credentials that cannot be used. The message says why, and nothing of the key. */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
}

type Files = Pick<KeyMaterial, "ca" | "certificate" | "key">;

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** Every process is a server and a client of others (RFC 5280, section 4.2.1.12). */
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/**
 * Reads a folder of credentials.
 *
 * @param known what was read before: if the files are the same, nothing but the time is looked at.
 * @returns `known` in that case.
 * @throws CredentialsError if a file is missing, or they do not belong together, or TLS takes none such, or they are not valid at `now`.
 */
export async function readKeyMaterial(folder: string, now: Date, known?: KeyMaterial): Promise<KeyMaterial> {
  // One after the other: of several that are missing it is always the same that is named.
  const files = {
    ca: await read(folder, CREDENTIAL_FILES.ca),
    certificate: await read(folder, CREDENTIAL_FILES.certificate),
    key: await read(folder, CREDENTIAL_FILES.key),
  };
  const material = known !== undefined && isSame(known, files) ? known : checkFiles(files, folder, now);
  const { notBefore, notAfter } = material;
  if (notAfter <= now) refuse(folder, CREDENTIAL_FILES.certificate, `has expired at ${notAfter.toISOString()}`);
  if (notBefore > now) refuse(folder, CREDENTIAL_FILES.certificate, `is not valid before ${notBefore.toISOString()}`);
  return material;
}

function checkFiles(files: Files, folder: string, now: Date): KeyMaterial {
  const { ca, certificate, key } = CREDENTIAL_FILES;
  const roots = certificatesIn(files.ca) ?? refuse(folder, ca, "holds no certificates in PEM");
  const chain = certificatesIn(files.certificate) ?? refuse(folder, certificate, "holds no certificate in PEM");
  const leaf = chain[0] as X509Certificate;
  const identity = identityOf(leaf) ?? refuse(folder, certificate, "names no identity: one spiffe://domain/name");
  const privateKey = keyIn(files.key) ?? refuse(folder, key, "holds no private key in PEM without a passphrase");
  if (!leaf.checkPrivateKey(privateKey)) refuse(folder, key, `is not the key of ${certificate}`);
  const trusted = roots.filter(({ validToDate }) => validToDate > now);
  const path = pathOf(chain, trusted) ?? refuse(folder, certificate, `was issued by nobody in ${ca}`);
  // Node calls it keyUsage. A certificate that says nothing is for everything.
  const usages = leaf.keyUsage as string[] | undefined;
  if (usages !== undefined && !(usages.includes(SERVER_AUTH) && usages.includes(CLIENT_AUTH))) {
    refuse(folder, certificate, "is not for servers and clients both (server auth, client auth)");
  }
  try {
    createSecureContext({ ca: files.ca, cert: files.certificate, key: files.key });
  } catch (error) {
    refuse(folder, certificate, `is none for TLS: ${(error as { reason?: string }).reason ?? "OpenSSL refuses it"}`);
  }
  return { ...files, identity, roots, notBefore: latest(path), notAfter: earliest(path) };
}

function isSame(a: Files, b: Files): boolean {
  return a.ca.equals(b.ca) && a.certificate.equals(b.certificate) && a.key.equals(b.key);
}

function refuse(folder: string, file: string, problem: string): never {
  throw new CredentialsError(`${join(folder, file)} ${problem}`);
}

async function read(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return refuse(folder, name, code === "ENOENT" ? "does not exist" : `cannot be read (${code})`);
  }
}

/** The certificates in a file, in their order; undefined if there is none, or one that is damaged. */
function certificatesIn(pem: Buffer): X509Certificate[] | undefined {
  try {
    const certificates = (pem.toString("latin1").match(BLOCK) ?? []).map((block) => new X509Certificate(block));
    return certificates.length > 0 ? certificates : undefined;
  } catch {
    return undefined;
  }
}

function keyIn(pem: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** The certificates from the first one to a root, each issued by the next; undefined if they lead to none. */
function pathOf(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): X509Certificate[] | undefined {
  for (const [i, certificate] of chain.entries()) {
    const root = roots.find((candidate) => issued(candidate, certificate));
    if (root !== undefined) return [...chain.slice(0, i + 1), root];
    const next = chain[i + 1];
    if (next === undefined || !issued(next, certificate)) return undefined;
  }
  return undefined;
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function latest(path: readonly X509Certificate[]): Date {
  return new Date(Math.max(...path.map(({ validFromDate }) => validFromDate.getTime())));
}

function earliest(path: readonly X509Certificate[]): Date {
  return new Date(Math.min(...path.map(({ validToDate }) => validToDate.getTime())));
}
