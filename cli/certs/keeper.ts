import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";
import { AuthorityError } from "./authority-folder.ts";
import { conditionOf, type Leaf } from "./leaf.ts";
import type { Outcome } from "./leaf-upkeep.ts";
import type { MeshAuthority, Upkeep } from "./mesh-authority.ts";

/** How often the clock is looked at: a machine may have slept. */
const TICK_MS = 1_000;
/** How often the disk is looked at when nothing is due: a command may have begun to roll the root, and a failure may have passed. */
const LOOK_EVERY_MS = 60_000;

export interface KeeperOptions {
  authority: MeshAuthority;
  /** Who has to have credentials. */
  names: readonly string[];
  now?: () => Date;
}

/** Keeps the credentials of a mesh that runs from expiring. */
export class CredentialKeeper {
  readonly #options: KeeperOptions;
  readonly #now: () => Date;
  readonly #first: Upkeep;
  #lookedAt: Date;
  #nextAt: Date;
  #problem = "";

  private constructor(options: KeeperOptions, first: Upkeep) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#first = first;
    this.#lookedAt = this.#now();
    this.#nextAt = first.nextAt;
  }

  /**
   * Makes the credentials that are not there, and renews those that are due.
   *
   * @throws AuthorityError if somebody has none that can be used after that.
   */
  static async open(options: KeeperOptions): Promise<CredentialKeeper> {
    const keeper = new CredentialKeeper(options, await options.authority.tend({ names: options.names }));
    const { leaves, outcomes } = keeper.#first;
    const problems = options.names.flatMap((name) => {
      const leaf = leaves.find((candidate) => candidate.name === name);
      const error = outcomes.find((outcome) => outcome.name === name)?.error;
      if (error === undefined || isInUse(leaf, keeper.#now())) return [];
      return [`cannot issue a certificate to ${name}: ${error.message}`];
    });
    if (problems.length > 0) throw new AuthorityError(problems.join("\n"));
    return keeper;
  }

  /** @returns stops it. */
  start(log: Logger): () => void {
    this.#report(this.#first, log);
    return pollEvery(
      TICK_MS,
      () => this.tick(log),
      (error) => log.error({ err: error }, "cannot look after the certificates"),
    );
  }

  /** Does what is due. Happens every second. */
  async tick(log: Logger): Promise<void> {
    const now = this.#now();
    const sinceMs = now.getTime() - this.#lookedAt.getTime();
    if (now < this.#nextAt && sinceMs >= 0 && sinceMs < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    try {
      const upkeep = await this.#options.authority.tend({ names: this.#options.names });
      const failed = upkeep.outcomes.some(({ error }) => error !== undefined);
      this.#nextAt = failed ? NEVER : upkeep.nextAt;
      this.#report(upkeep, log);
    } catch (error) {
      if (!(error instanceof AuthorityError)) throw error;
      this.#nextAt = NEVER;
      this.#complain({ problem: error.message, kind: error.message, fields: {} }, log);
    }
  }

  #report({ made, dropped, outcomes }: Upkeep, log: Logger): void {
    if (made !== undefined)
      log.info({ root: made.number, fingerprint: made.certificate.fingerprint256 }, "made a root certificate");
    for (const { number } of dropped) log.info({ root: number }, `root ${number} is trusted no more`);
    const issued = namesOf(outcomes, "issued");
    if (issued.length > 0) log.info({ names: issued }, `issued certificates to ${issued.join(", ")}`);
    const bundled = namesOf(outcomes, "bundled");
    if (bundled.length > 0) log.info({ names: bundled }, `told ${bundled.join(", ")} which roots to trust`);

    const failures = outcomes.filter(({ error }) => error !== undefined);
    if (failures.length === 0) this.#problem = "";
    else {
      const problem = failures.map(({ name, error }) => `${name}: ${error?.message}`).join("; ");
      // Messages name files that are called otherwise each time.
      const kind = failures.map(({ name, error }) => `${name} ${(error as NodeJS.ErrnoException).code ?? error?.message}`).join();
      const expiries = failures.map(({ name, certificate }) => [name, certificate?.validToDate]);
      this.#complain({ problem, kind, fields: { notAfter: Object.fromEntries(expiries) } }, log);
    }
  }

  /** Once for each problem, not every minute. */
  #complain({ problem, kind, fields }: { problem: string; kind: string; fields: object }, log: Logger): void {
    if (kind === this.#problem) return;
    this.#problem = kind;
    log.error(fields, `cannot renew certificates, the old ones are kept: ${problem}`);
  }
}

/** Nothing is due: only the regular look is. */
const NEVER = new Date(8.64e15);

function isInUse(leaf: Leaf | undefined, now: Date): boolean {
  return leaf !== undefined && ["good", "due"].includes(conditionOf(leaf, now));
}

function namesOf(outcomes: readonly Outcome[], did: Outcome["did"]): string[] {
  return outcomes.filter((outcome) => outcome.did === did).map(({ name }) => name);
}
