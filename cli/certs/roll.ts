import { timeSpan } from "../time-span.ts";
import { moment } from "./certs-text.ts";
import type { Leaf } from "./leaf.ts";
import { checkWritten, type MeshAuthority, type Upkeep } from "./mesh-authority.ts";
import { signerOf } from "./roots.ts";

export interface RollOptions {
  /** How long the new root is trusted before it signs. The default is 30 seconds. */
  settleMs?: number | undefined;
  /** Is told what is done. */
  say(line: string): void;
  /** Rejects when nobody wants to wait any more. */
  wait(ms: number): Promise<void>;
  now?: () => Date;
}

/**
 * Replaces the root of a mesh that may run, step by step: everybody trusts the new one first, then it signs.
 *
 * A roll that others have begun is gone on with. Whoever tends the authority after
 * a roll that was left goes on with that.
 *
 * @throws AuthorityError if the authority cannot be used, or not everybody can be told of the new root.
 */
export async function rollRoot(
  authority: MeshAuthority,
  { settleMs, say, wait, now = () => new Date() }: RollOptions,
): Promise<void> {
  const { number } = await authority.beginRoll();
  const tend = async () => checkWritten(await authority.tend({ settleMs }));
  let upkeep = await tend();
  say(`Root ${number} is there, and trusted by ${names(upkeep.leaves)}.`);
  while (signerOf(upkeep.roots, now())?.number !== number) {
    const signsFrom = upkeep.roots.find((root) => root.number === number)?.signsFrom ?? now();
    const waitMs = Math.max(0, signsFrom.getTime() - now().getTime());
    say(`It signs in ${timeSpan(waitMs)}, when every process has loaded it.`);
    await wait(waitMs);
    upkeep = await tend();
  }
  sayWhoHasIt(await tend(), number, say);
}

/** As rollRoot, but nobody is waited for, and the roots before are trusted no more. */
export async function replaceRootAtOnce(authority: MeshAuthority, { say }: Pick<RollOptions, "say">): Promise<void> {
  const { number } = await authority.replaceRoot();
  sayWhoHasIt(checkWritten(await authority.tend()), number, say);
}

function sayWhoHasIt({ leaves, roots }: Upkeep, number: number, say: (line: string) => void): void {
  say(`Root ${number} has issued the certificates of ${names(leaves.filter(({ issuer }) => issuer?.number === number))}.`);
  for (const { number: old, leavesUntil } of roots.filter((root) => root.number < number)) {
    const until = leavesUntil === undefined ? "the next look at it" : moment(leavesUntil);
    say(`The key of root ${old} is deleted. It stays trusted until ${until}, when its last certificate has expired.`);
  }
  say(`Credentials that were issued with --out do not know root ${number}: issue them again.`);
}

/** "orders, push and register" */
function names(leaves: readonly Leaf[]): string {
  return leaves.length === 0 ? "nobody" : new Intl.ListFormat("en-GB").format(leaves.map(({ name }) => name));
}
