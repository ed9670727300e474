import type { X509Certificate } from "node:crypto";

/** Who a process is, as its certificate proves it. */
export interface Identity {
  /** Who vouches for the name: identities of other trust domains are strangers. */
  readonly trustDomain: string;
  /** The name of a service ("orders"), or of somebody who works on the mesh ("operator"). */
  readonly name: string;
}

/** The trust domain of meshes that were not given another one. */
export const DEFAULT_TRUST_DOMAIN = "bookmesh.local";

// SPIFFE-ID, section 2: a trust domain of lower case letters, digits, dots, dashes and underscores.
// Of the paths that SPIFFE allows, the mesh has those of one segment: the name.
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]{1,255})\/([a-z][-a-z0-9]{0,62})$/;

/** What is allowed as a name in an identity. */
export const IDENTITY_NAME = /^[a-z][-a-z0-9]{0,62}$/;

/** "spiffe://bookmesh.local/orders" */
export function spiffeId({ trustDomain, name }: Identity): string {
  return `spiffe://${trustDomain}/${name}`;
}

/** The identity that a SPIFFE id stands for; undefined if the mesh has none like it. */
export function parseSpiffeId(id: string): Identity | undefined {
  const [, trustDomain, name] = SPIFFE_ID.exec(id) ?? [];
  return trustDomain === undefined || name === undefined ? undefined : { trustDomain, name };
}

/**
 * The identity in a certificate; undefined if it has none.
 *
 * A certificate with more than one URI is not an X.509-SVID (X509-SVID, section 2) and has none.
 */
export function identityOf({ subjectAltName }: Pick<X509Certificate, "subjectAltName">): Identity | undefined {
  // Node puts a name that holds a comma or a quote into quotes, so no name can look like another one.
  const uris = (subjectAltName ?? "").split(", ").filter((name) => name.startsWith("URI:"));
  return uris.length === 1 ? parseSpiffeId((uris[0] as string).slice("URI:".length)) : undefined;
}
