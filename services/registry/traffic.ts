import { invalidField } from "../../runtime/errors.ts";
import type { Balancing, Fault, VersionShare } from "./routing.ts";

/** What is set for the traffic of one service. */
export interface Rules {
  /** Empty if calls are not divided. */
  readonly split: readonly VersionShare[];
  readonly fault: Fault | undefined;
  /** Undefined for round robin. */
  readonly balancing: Balancing | undefined;
  /** The ids of the instances that are taken out by hand. They need not be registered. */
  readonly ejected: ReadonlySet<string>;
}

/** What is set for a service for which nothing is set. */
export const NO_RULES: Rules = { split: [], fault: undefined, balancing: undefined, ejected: new Set() };

/** The rules of every service for which something is set, by its name. */
export type RuleBook = ReadonlyMap<string, Rules>;

/** One rule that is set, or undone where the value is undefined or the instance is not ejected any more. */
export type RuleEdit =
  | { readonly service: string; readonly kind: "split"; readonly value: readonly VersionShare[] | undefined }
  | { readonly service: string; readonly kind: "fault"; readonly value: Fault | undefined }
  | { readonly service: string; readonly kind: "balancing"; readonly value: Balancing | undefined }
  | { readonly service: string; readonly kind: "ejection"; readonly instanceId: string; readonly ejected: boolean };

/** All rules as they were stored at one moment. */
export interface StoredRules {
  /** Counts up with every change. */
  readonly revision: number;
  readonly rules: RuleBook;
}

/** Where rules outlive a registry, and what several registries have in common. */
export interface TrafficStore {
  revision(): Promise<number>;
  load(): Promise<StoredRules>;
  /**
   * Changes rules, all of the edits or none.
   *
   * @param decide is shown the rules as they are; nobody changes them until its edits are stored. What it throws is passed on, and nothing changes.
   */
  change(decide: (rules: RuleBook) => readonly RuleEdit[]): Promise<{ before: RuleBook; after: StoredRules }>;
}

const LONGEST_DELAY_MS = 60_000;

/** @throws Failure for shares that do not divide all calls. */
export function checkSplit(split: readonly VersionShare[]): void {
  const seen = new Set<string>();
  for (const [index, { version }] of split.entries()) {
    if (seen.has(version)) throw invalidField(`shares[${index}].version`, "must not be named twice");
    seen.add(version);
  }
  const sum = split.reduce((total, { percent }) => total + percent, 0);
  if (sum !== 100) throw invalidField("shares", "must add up to 100 percent");
}

/** @throws Failure for a fault that does nothing, or that lasts too long. */
export function checkFault({ delayMs, abortCode }: { delayMs: number | undefined; abortCode: number }): void {
  if (delayMs !== undefined && !(delayMs > 0 && delayMs <= LONGEST_DELAY_MS)) {
    throw invalidField("fault.delay", "must be more than nothing and at most a minute");
  }
  if (delayMs === undefined && abortCode === 0) throw invalidField("fault", "must have a delay or an abort_code");
}

/** @param hashHeader "" if none is given. @throws Failure for a policy with a header that it needs not, or without one that it needs. */
export function checkBalancing(policy: Balancing["policy"], hashHeader: string): Balancing {
  if (policy !== "ring-hash") {
    if (hashHeader !== "") throw invalidField("balancing.hash_header", "must be empty: only ring-hash goes by a header");
    return { policy };
  }
  if (hashHeader === "") throw invalidField("balancing.hash_header", "is required for ring-hash");
  // Binary headers come encoded, in more than one way for the same value.
  if (hashHeader.endsWith("-bin")) throw invalidField("balancing.hash_header", "must not be a binary header");
  return { policy, hashHeader };
}

/** Whether nothing is set. */
export function isEmpty({ split, fault, balancing, ejected }: Rules): boolean {
  return split.length === 0 && fault === undefined && balancing === undefined && ejected.size === 0;
}

/** The edits that undo everything that is set for a service. */
export function undoing(service: string, rules: Rules): RuleEdit[] {
  const edits: RuleEdit[] = [];
  if (rules.split.length > 0) edits.push({ service, kind: "split", value: undefined });
  if (rules.fault !== undefined) edits.push({ service, kind: "fault", value: undefined });
  if (rules.balancing !== undefined) edits.push({ service, kind: "balancing", value: undefined });
  for (const instanceId of rules.ejected) edits.push({ service, kind: "ejection", instanceId, ejected: false });
  return edits;
}
