import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { IDENTITY_NAME } from "../../runtime/spiffe.ts";
import { LEAF_VALIDITY_MS } from "./authority.ts";
import { AuthorityError, AuthorityFolder, type StoredRoot } from "./authority-folder.ts";
import { ifMissing } from "./durable.ts";
import { type Leaf, needsAnother, readLeaf, renewalOf, validityOf } from "./leaf.ts";
import { carryOut, type Outcome, type Task } from "./leaf-upkeep.ts";
import { addSuccessor, type RootUpkeep, tendRoots } from "./root-upkeep.ts";
import { bundleOf, successorOf } from "./roots.ts";

/** The identity of people who work on the mesh by commands. */
export const OPERATOR = "operator";

/** How long processes have to load a new root before it signs. They look every second. */
const SETTLE_MS = 30_000;

/** What is on the disk. */
export interface Holdings {
  /** Oldest first. */
  readonly roots: readonly StoredRoot[];
  readonly leaves: readonly Leaf[];
}

export interface IssueRequest {
  name: string;
  /** The default is that of the mesh, where they are renewed too. */
  folder?: string | undefined;
  /** The default is that of the certificate there is, or 24 hours. */
  validityMs?: number | undefined;
}

export interface TendOptions {
  /** Who has to have credentials, besides those that have some. */
  names?: readonly string[];
  /** What is issued in any case. */
  issue?: readonly IssueRequest[];
  /** How long a new root is trusted before it signs. The default is 30 seconds. */
  settleMs?: number | undefined;
}

/** What was done, and what is on the disk now. */
export interface Upkeep extends Holdings, Pick<RootUpkeep, "made" | "dropped"> {
  readonly outcomes: readonly Outcome[];
  /** When there is something to do again. */
  readonly nextAt: Date;
}

/** @throws AuthorityError if some credentials could not be written. */
export function checkWritten<Done extends Pick<Upkeep, "outcomes">>(done: Done): Done {
  const failures = done.outcomes.flatMap(({ name, error }) => (error === undefined ? [] : [{ name, error }]));
  if (failures.length === 0) return done;
  const sentences = failures.map(({ name, error }) => `cannot write the credentials of ${name}: ${error.message}`);
  throw new AuthorityError(sentences.join("\n"));
}

/**
 * The certificate authority of a mesh, <data>/authority, and the credentials that it looks after, <data>/credentials/<name>.
 *
 * It knows nothing but what is on the disk: whoever comes next, be it `bookmesh up`
 * or a command, goes on with what was begun. They exclude each other.
 */
export class MeshAuthority {
  readonly #credentials: string;
  readonly #folder: AuthorityFolder;
  readonly #now: () => Date;

  /** @param data the data folder of `bookmesh up`. */
  constructor(data: string, now: () => Date = () => new Date()) {
    this.#credentials = join(data, "credentials");
    this.#folder = new AuthorityFolder(join(data, "authority"));
    this.#now = now;
  }

  folderOf(name: string): string {
    return join(this.#credentials, name);
  }

  /** @throws AuthorityError */
  async look(): Promise<Holdings> {
    return this.#folder.exists ? await this.#folder.locked(() => this.#read()) : { roots: [], leaves: [] };
  }

  /**
   * Makes everything as it should be: there is a root, each name has a leaf that is
   * not past half of its life, and everybody trusts all roots.
   *
   * @throws AuthorityError if the authority cannot be used.
   */
  async tend({ names = [], issue = [], settleMs = SETTLE_MS }: TendOptions = {}): Promise<Upkeep> {
    return await this.#folder.locked(async () => {
      const now = this.#now();
      const { roots, signer, made, dropped } = await tendRoots(this.#folder, now);
      const requests = new Map(issue.map((request) => [request.folder ?? this.folderOf(request.name), request]));
      const wanted = new Map(names.map((name) => [this.folderOf(name), name]));
      for (const [folder, { name }] of requests) wanted.set(folder, name);

      const tasks = (await this.#leaves(roots, wanted)).map((leaf): Task => {
        const request = requests.get(leaf.folder);
        if (request === undefined && !needsAnother(leaf, signer, now)) return { leaf, validityMs: 0 };
        const before = leaf.issuer && leaf.certificate && validityOf(leaf.certificate);
        return { leaf, validityMs: request?.validityMs ?? before ?? LEAF_VALIDITY_MS };
      });
      await this.#announceLeaves(signer, Math.max(0, ...tasks.map(({ validityMs }) => validityMs)), now);
      const outcomes = await Promise.all(tasks.map((task) => carryOut(task, { signer, bundle: bundleOf(roots), now })));

      const successor = successorOf(roots, now);
      const isTrustedByAll = outcomes.every(({ error }) => error === undefined);
      if (successor !== undefined && successor.signsFrom === undefined && isTrustedByAll) {
        const signsFrom = new Date(this.#now().getTime() + settleMs);
        await this.#folder.record(successor.number, { signsFrom, leavesUntil: undefined });
      }
      const after = await this.#read();
      return { ...after, made, dropped, outcomes, nextAt: nextAt(after, now) };
    });
  }

  /**
   * Begins to replace the root; `tend` does the rest. Nothing happens if that has begun before.
   *
   * @returns the root that takes the place.
   * @throws AuthorityError
   */
  async beginRoll(): Promise<StoredRoot> {
    return await this.#folder.locked(async () => {
      const now = this.#now();
      const { roots, signer } = await tendRoots(this.#folder, now);
      return successorOf(roots, now) ?? (await addSuccessor(this.#folder, signer, { now }));
    });
  }

  /**
   * Replaces the root, and trusts none of those before it from now on; `tend` does the rest. It is for a root whose key others have.
   *
   * @returns the root that takes the place.
   * @throws AuthorityError
   */
  async replaceRoot(): Promise<StoredRoot> {
    return await this.#folder.locked(async () => {
      const now = this.#now();
      const before = await this.#folder.read();
      const newest = before.at(-1);
      if (newest === undefined) return (await tendRoots(this.#folder, now)).signer;
      const root = await addSuccessor(this.#folder, newest, { now, signsFrom: now });
      for (const { number } of before) await this.#folder.remove(number);
      return root;
    });
  }

  /** On the disk before there are any: their root is trusted until the last one has expired. */
  async #announceLeaves({ number, signsFrom, leavesUntil }: StoredRoot, validityMs: number, now: Date): Promise<void> {
    const until = new Date(now.getTime() + validityMs);
    if (validityMs === 0 || (leavesUntil !== undefined && leavesUntil >= until)) return;
    await this.#folder.record(number, { signsFrom, leavesUntil: until });
  }

  async #read(): Promise<Holdings> {
    const roots = await this.#folder.read();
    return { roots, leaves: await this.#leaves(roots) };
  }

  /** @param wanted names by their folders, besides those that have some. */
  async #leaves(roots: readonly StoredRoot[], wanted: ReadonlyMap<string, string> = new Map()): Promise<Leaf[]> {
    const there = (await readdir(this.#credentials, { withFileTypes: true }).catch(ifMissing)) ?? [];
    const names = there.filter((entry) => entry.isDirectory() && IDENTITY_NAME.test(entry.name)).map(({ name }) => name);
    const all = new Map([...names.toSorted().map((name) => [this.folderOf(name), name] as const), ...wanted]);
    return await Promise.all([...all].map(([folder, name]) => readLeaf(folder, name, roots)));
  }
}

/** When a leaf is to be renewed, a new root may sign, or an old one need no longer be trusted. */
function nextAt({ roots, leaves }: Holdings, now: Date): Date {
  const successor = successorOf(roots, now);
  const times = [
    ...leaves.flatMap(({ certificate }) => (certificate === undefined ? [] : [renewalOf(certificate)])),
    ...roots.flatMap(({ keyPem, leavesUntil }) => (keyPem === undefined && leavesUntil !== undefined ? [leavesUntil] : [])),
    ...(successor?.signsFrom === undefined ? [] : [successor.signsFrom]),
  ];
  return new Date(Math.min(...times.map((time) => time.getTime())));
}
