import { X509Certificate } from "node:crypto";
import { CLOCK_SKEW_MS, issueLeaf } from "./authority.ts";
import type { StoredRoot } from "./authority-folder.ts";
import { writeCredentials } from "./credential-folder.ts";
import type { Leaf } from "./leaf.ts";
import { trustDomainOf } from "./roots.ts";

/** What to do with the credentials of one name. */
export interface Task {
  readonly leaf: Leaf;
  /** 0 if no certificate is to be issued. */
  readonly validityMs: number;
}

/** What became of the credentials of one name. After a failure they are what they were. */
export interface Outcome {
  readonly name: string;
  readonly folder: string;
  /** To be bundled is to trust other roots than before. */
  readonly did: "issued" | "bundled" | "nothing";
  readonly error: Error | undefined;
  /** The one that is there now, if it can be read. */
  readonly certificate: X509Certificate | undefined;
}

/** Writes what has to be written, if anything. */
export async function carryOut(
  { leaf, validityMs }: Task,
  { signer, bundle, now }: { signer: StoredRoot; bundle: string; now: Date },
): Promise<Outcome> {
  const { name, folder, files, certificate } = leaf;
  const outcome = { name, folder, certificate, did: "nothing", error: undefined } as const;
  try {
    if (validityMs > 0) {
      const { certificatePem, keyPem } = await issue(name, { signer, validityMs, now });
      await writeCredentials(folder, { ca: bundle, certificate: certificatePem, key: keyPem }, now);
      return { ...outcome, did: "issued", certificate: new X509Certificate(certificatePem) };
    }
    if (files === undefined || files.ca === bundle) return outcome;
    await writeCredentials(folder, { ...files, ca: bundle }, now);
    return { ...outcome, did: "bundled" };
  } catch (error) {
    return { ...outcome, error: error as Error };
  }
}

async function issue(name: string, { signer, validityMs, now }: { signer: StoredRoot; validityMs: number; now: Date }) {
  const { certificatePem, certificate, keyPem, number } = signer;
  if (keyPem === undefined) throw new Error(`root ${number} has no key`);
  // Longer than its root it would be good for nothing.
  const notAfterMs = Math.min(now.getTime() + validityMs, certificate.validToDate.getTime());
  return await issueLeaf(
    { certificatePem, keyPem },
    {
      ...{ trustDomain: trustDomainOf(signer), name },
      ...{ notBefore: new Date(now.getTime() - CLOCK_SKEW_MS), notAfter: new Date(notAfterMs) },
    },
  );
}
