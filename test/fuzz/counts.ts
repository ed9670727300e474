import { Status } from "nice-grpc-common";
import type { FuzzCase, Outcome } from "./case.ts";
import { stringFieldName } from "./string-fields.ts";

/** What has come of the cases of one kind. */
interface KindCounts {
  cases: number;
  /** By status, or by what came in its place. */
  readonly endings: Map<string, number>;
  hangs: number;
  problems: number;
}

/** The most problems that are kept word for word. */
const MOST_PROBLEMS = 200;

/** Counts cases by kind. */
export class Counts {
  readonly kinds = new Map<string, KindCounts>();
  readonly problems: string[] = [];
  /** Those in which text that is none was sent. */
  readonly stringFields = new Set<string>();

  add({ kind, about, method, text }: FuzzCase, outcome: Outcome, problem: string | undefined): void {
    if (text !== undefined) this.stringFields.add(stringFieldName(method, text));
    const ending = outcome.status === undefined ? (outcome.http ?? outcome.ending) : Status[outcome.status];
    this.count(kind, String(ending), outcome.ending === "hang");
    if (problem !== undefined) this.problem(kind, `${method.contract.path} ${kind}: ${about}: ${problem}`);
  }

  /** One case that is no call. */
  count(kind: string, ending: string, hung = false): void {
    const counts = this.#of(kind);
    counts.cases++;
    counts.endings.set(ending, (counts.endings.get(ending) ?? 0) + 1);
    if (hung) counts.hangs++;
  }

  problem(kind: string, text: string): void {
    this.#of(kind).problems++;
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(text);
  }

  #of(kind: string): KindCounts {
    const counts = this.kinds.get(kind) ?? { cases: 0, endings: new Map(), hangs: 0, problems: 0 };
    this.kinds.set(kind, counts);
    return counts;
  }
}
