import { DEFAULT_TRUST_DOMAIN } from "../../runtime/spiffe.ts";
import { createRoot } from "./authority.ts";
import type { AuthorityFolder, StoredRoot } from "./authority-folder.ts";
import { isForgotten, nearsItsEnd, signerOf, successorOf, trustDomainOf } from "./roots.ts";

export interface RootUpkeep {
  /** Oldest first. At least the signer is among them. */
  readonly roots: readonly StoredRoot[];
  readonly signer: StoredRoot;
  /** A root that was made because there was none that could sign, or because the signer comes to its end. */
  readonly made: StoredRoot | undefined;
  /** Those that are trusted no more. */
  readonly dropped: readonly StoredRoot[];
}

/** Makes a root if there has to be one, deletes the keys of those that sign no more, and drops those that nobody needs to trust. */
export async function tendRoots(folder: AuthorityFolder, now: Date): Promise<RootUpkeep> {
  const before = await folder.read();
  const dropped = before.filter((root) => isForgotten(root, before, now));
  for (const { number } of dropped) await folder.remove(number);

  const kept = before.filter((root) => !dropped.includes(root));
  const made = await makeIfNeeded(folder, { kept, dropped, now });
  const roots = made === undefined ? kept : [...kept, made];
  const signer = signerOf(roots, now);
  if (signer === undefined) throw new Error("there is no root that signs");
  const retired = roots.filter(({ number, keyPem }) => number < signer.number && keyPem !== undefined);
  for (const { number } of retired) await folder.deleteKey(number);
  return { roots, signer, made, dropped };
}

/**
 * A root that takes the place of the signer.
 *
 * @param signsFrom undefined: when everybody trusts it.
 */
export async function addSuccessor(
  folder: AuthorityFolder,
  signer: StoredRoot,
  { now, signsFrom }: { now: Date; signsFrom?: Date },
): Promise<StoredRoot> {
  const root = await createRoot({ trustDomain: trustDomainOf(signer), now });
  return await folder.add(signer.number + 1, root, { signsFrom, leavesUntil: undefined });
}

async function makeIfNeeded(
  folder: AuthorityFolder,
  { kept, dropped, now }: { kept: readonly StoredRoot[]; dropped: readonly StoredRoot[]; now: Date },
): Promise<StoredRoot | undefined> {
  const signer = signerOf(kept, now);
  if (signer === undefined) {
    // Nobody trusts an older one, so there is nobody to wait for.
    const last = dropped.at(-1);
    const root = await createRoot({ trustDomain: last ? trustDomainOf(last) : DEFAULT_TRUST_DOMAIN, now });
    return await folder.add((last?.number ?? 0) + 1, root, { signsFrom: now, leavesUntil: undefined });
  }
  const isEnding = nearsItsEnd(signer, now) && successorOf(kept, now) === undefined;
  return isEnding ? await addSuccessor(folder, signer, { now }) : undefined;
}
