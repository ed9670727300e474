import { createPrivateKey, X509Certificate } from "node:crypto";
import { identityOf } from "../../runtime/spiffe.ts";
import { CLOCK_SKEW_MS } from "./authority.ts";
import type { StoredRoot } from "./authority-folder.ts";
import { type CredentialFiles, readCredentials } from "./credential-folder.ts";

/** The credentials of one name, as they are on the disk. */
export interface Leaf {
  readonly name: string;
  readonly folder: string;
  readonly files: CredentialFiles | undefined;
  /** Undefined if it is missing or damaged. */
  readonly certificate: X509Certificate | undefined;
  /** The root that has issued it, if that is one of the mesh. */
  readonly issuer: StoredRoot | undefined;
}

/** "good" and "due" are in use: one that is due is past half of its life. */
export type Condition = "good" | "due" | "expired" | "not yet valid" | "of an unknown root" | "damaged" | "missing";

/** @param roots any of which may have issued it. */
export async function readLeaf(folder: string, name: string, roots: readonly StoredRoot[]): Promise<Leaf> {
  // What cannot be read is made again; what cannot be written either is said then.
  const files = await readCredentials(folder).catch(() => NOTHING);
  const certificate = files && certificateOf(files, name);
  const issuer = certificate && roots.find((root) => isIssuedBy(certificate, root.certificate));
  return { name, folder, files, certificate, issuer };
}

export function conditionOf({ files, certificate, issuer }: Leaf, now: Date): Condition {
  if (files === undefined) return "missing";
  if (certificate === undefined) return "damaged";
  if (issuer === undefined) return "of an unknown root";
  if (now < certificate.validFromDate) return "not yet valid";
  if (now >= certificate.validToDate) return "expired";
  return now < renewalOf(certificate) ? "good" : "due";
}

/** Whether the signer has to issue another one. */
export function needsAnother(leaf: Leaf, signer: StoredRoot, now: Date): boolean {
  return conditionOf(leaf, now) !== "good" || (leaf.issuer !== undefined && leaf.issuer.number < signer.number);
}

/** How long it was issued for. */
export function validityOf(certificate: X509Certificate): number {
  return certificate.validToDate.getTime() - issueTimeOf(certificate);
}

/** At half of its life. */
export function renewalOf(certificate: X509Certificate): Date {
  return new Date(issueTimeOf(certificate) + validityOf(certificate) / 2);
}

const NOTHING: CredentialFiles = { ca: "", certificate: "", key: "" };

function issueTimeOf({ validFromDate }: X509Certificate): number {
  return validFromDate.getTime() + CLOCK_SKEW_MS;
}

/** The certificate, if it is of that name and has that key. */
function certificateOf(files: CredentialFiles, name: string): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(files.certificate);
    const isWhole = certificate.checkPrivateKey(createPrivateKey(files.key)) && identityOf(certificate)?.name === name;
    return isWhole ? certificate : undefined;
  } catch {
    return undefined;
  }
}

function isIssuedBy(certificate: X509Certificate, root: X509Certificate): boolean {
  return certificate.checkIssued(root) && certificate.verify(root.publicKey);
}
