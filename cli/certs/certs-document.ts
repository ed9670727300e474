import { type Identity, spiffeId } from "../../runtime/spiffe.ts";
import { type Condition, conditionOf, type Leaf, renewalOf } from "./leaf.ts";
import type { Holdings } from "./mesh-authority.ts";
import { type RootState, signerOf, stateOf, trustDomainOf } from "./roots.ts";

/** What `bookmesh certs show --json` prints. Times are ISO 8601; what does not apply is null. */
export interface CertsDocument {
  /** Null before the first start. */
  readonly trustDomain: string | null;
  /** Oldest first. */
  readonly roots: readonly RootStatus[];
  readonly credentials: readonly CredentialStatus[];
}

export interface RootStatus {
  readonly number: number;
  /** SHA-256. */
  readonly fingerprint: string;
  readonly notAfter: string;
  readonly state: RootState;
  /** When it begins to sign, in the midst of a roll. */
  readonly signsFrom: string | null;
  /** When the last certificate expires that it has issued. A root that signs no more is trusted until then. */
  readonly leavesUntil: string | null;
}

export interface CredentialStatus {
  readonly name: string;
  readonly spiffeId: string;
  readonly folder: string;
  readonly state: Condition;
  readonly serialNumber: string | null;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly renewedAt: string | null;
  /** The number of the root. */
  readonly issuedBy: number | null;
}

export function certsDocument({ roots, leaves }: Holdings, now: Date): CertsDocument {
  const signer = signerOf(roots, now);
  const trustDomain = signer === undefined ? null : trustDomainOf(signer);
  return {
    trustDomain,
    roots: roots.map((root) => ({
      number: root.number,
      fingerprint: root.certificate.fingerprint256,
      notAfter: root.certificate.validToDate.toISOString(),
      state: stateOf(root, roots, now),
      signsFrom: root === signer ? null : (root.signsFrom?.toISOString() ?? null),
      leavesUntil: root.leavesUntil?.toISOString() ?? null,
    })),
    credentials: leaves.map((leaf) => credentialStatus(leaf, trustDomain ?? "", now)),
  };
}

function credentialStatus(leaf: Leaf, trustDomain: string, now: Date): CredentialStatus {
  const { name, folder, certificate, issuer } = leaf;
  const identity: Identity = { trustDomain, name };
  return {
    ...{ name, spiffeId: spiffeId(identity), folder },
    state: conditionOf(leaf, now),
    serialNumber: certificate?.serialNumber ?? null,
    notBefore: certificate?.validFromDate.toISOString() ?? null,
    notAfter: certificate?.validToDate.toISOString() ?? null,
    renewedAt: certificate === undefined ? null : renewalOf(certificate).toISOString(),
    issuedBy: issuer?.number ?? null,
  };
}
