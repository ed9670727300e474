import { DEFAULT_TRUST_DOMAIN } from "../../runtime/spiffe.ts";
import type { StoredRoot } from "./authority-folder.ts";

/** A root this close to its end is rolled without being asked. */
const ROLL_BEFORE_END_MS = 90 * 86_400_000;

/** What a root is for at a moment. */
export type RootState = "signs" | "not yet trusted by all" | "signs soon" | "trusted";

/** The root that issues leaves: the newest one that everybody has had the time to trust. */
export function signerOf(roots: readonly StoredRoot[], now: Date): StoredRoot | undefined {
  const withKey = roots.filter(({ keyPem }) => keyPem !== undefined);
  // Where clocks were set back there may be none that signs already, and the keys of those before are gone.
  return withKey.findLast(({ signsFrom }) => signsFrom !== undefined && signsFrom <= now) ?? withKey[0];
}

export function stateOf(root: StoredRoot, roots: readonly StoredRoot[], now: Date): RootState {
  if (root === signerOf(roots, now)) return "signs";
  if (root.keyPem === undefined) return "trusted";
  return root.signsFrom === undefined ? "not yet trusted by all" : "signs soon";
}

/** The root that is about to take the place of the signer, in the midst of a roll. */
export function successorOf(roots: readonly StoredRoot[], now: Date): StoredRoot | undefined {
  const signer = signerOf(roots, now);
  const newest = roots.at(-1);
  return signer !== undefined && newest !== undefined && newest.number > signer.number ? newest : undefined;
}

/** Whether nobody needs to trust it any more: it has expired, or it signs no more and so have all its leaves. */
export function isForgotten(root: StoredRoot, roots: readonly StoredRoot[], now: Date): boolean {
  if (root.certificate.validToDate <= now) return true;
  const signer = signerOf(roots, now);
  if (signer === undefined || root.number >= signer.number) return false;
  return root.leavesUntil === undefined || root.leavesUntil <= now;
}

export function nearsItsEnd(root: StoredRoot, now: Date): boolean {
  return root.certificate.validToDate.getTime() - now.getTime() < ROLL_BEFORE_END_MS;
}

/** ca.crt: everybody trusts all of them. */
export function bundleOf(roots: readonly StoredRoot[]): string {
  return roots.map(({ certificatePem }) => certificatePem).join("");
}

/** The domain that a root vouches for. */
export function trustDomainOf({ certificate }: StoredRoot): string {
  return /(?:^|, )URI:spiffe:\/\/([a-z0-9._-]+)(?:,|$)/.exec(certificate.subjectAltName ?? "")?.[1] ?? DEFAULT_TRUST_DOMAIN;
}
