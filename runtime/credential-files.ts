import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
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
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Thrown for credentials that cannot be used. The message says why, and nothing of the key. */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads a folder of credentials.
 *
 * @throws CredentialsError if a file is missing, or they do not belong together, or are not valid at `now`.
 */
export async function readKeyMaterial(folder: string, now: Date): Promise<KeyMaterial> {
  const [ca, certificate, key] = await Promise.all(
    [CREDENTIAL_FILES.ca, CREDENTIAL_FILES.certificate, CREDENTIAL_FILES.key].map((name) => read(folder, name)),
  );
  return checkKeyMaterial({ ca, certificate, key } as Pick<KeyMaterial, "ca" | "certificate" | "key">, folder, now);
}

function checkKeyMaterial(
  { ca, certificate, key }: Pick<KeyMaterial, "ca" | "certificate" | "key">,
  folder: string,
  now: Date,
): KeyMaterial {
  const refuse = (file: string, problem: string): never => {
    throw new CredentialsError(`${join(folder, file)} ${problem}`);
  };
  const roots = certificatesIn(ca) ?? refuse(CREDENTIAL_FILES.ca, "holds no certificates in PEM");
  const chain = certificatesIn(certificate) ?? refuse(CREDENTIAL_FILES.certificate, "holds no certificate in PEM");
  const leaf = chain[0] as X509Certificate;
  const identity = identityOf(leaf) ?? refuse(CREDENTIAL_FILES.certificate, "names no identity: one spiffe://domain/name");
  if (!isKeyOf(leaf, key)) refuse(CREDENTIAL_FILES.key, `is not the key of ${CREDENTIAL_FILES.certificate}`);
  if (!leadsTo(roots, chain)) {
    refuse(CREDENTIAL_FILES.certificate, `was issued by nobody in ${CREDENTIAL_FILES.ca}`);
  }
  const { validFromDate: notBefore, validToDate: notAfter } = leaf;
  if (notAfter <= now) refuse(CREDENTIAL_FILES.certificate, `has expired at ${notAfter.toISOString()}`);
  if (notBefore > now) refuse(CREDENTIAL_FILES.certificate, `is not valid before ${notBefore.toISOString()}`);
  return { ca, certificate, key, identity, notBefore, notAfter };
}

async function read(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CredentialsError(`${join(folder, name)} ${code === "ENOENT" ? "does not exist" : `cannot be read (${code})`}`);
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

function isKeyOf(certificate: X509Certificate, key: Buffer): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Whether the first certificate leads to a root, each of the others having issued the one before it. */
function leadsTo(roots: readonly X509Certificate[], chain: readonly X509Certificate[]): boolean {
  for (const [i, certificate] of chain.entries()) {
    if (roots.some((root) => issued(root, certificate))) return true;
    const next = chain[i + 1];
    if (next === undefined || !issued(next, certificate)) return false;
  }
  return false;
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
