import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../fuzz/random.ts";
import { readEvidence, wholeProblems } from "./evidence.ts";
import { type Fault, type Finding, judge } from "./judge.ts";
import { BUYERS, type Point } from "./points.ts";
import { Purchase } from "./purchase.ts";
import type { Shop } from "./shop.ts";

/** What has come of a point. */
export interface Outcome {
  readonly point: Point;
  readonly runs: number;
  /** Runs in which the program came to the step and was ended there. */
  readonly killed: number;
  readonly orders: number;
  /** Orders whose buyers were told that they are placed. */
  readonly acknowledged: number;
  /** Orders whose buyers had to send the request again. */
  readonly repeated: number;
  /** Orders with that fault; what is wrong with the whole is "half". */
  readonly faults: Readonly<Record<Fault, number>>;
  /** What was found, each as a sentence. */
  readonly problems: readonly string[];
}

/** How long a program may take to come to its step, and all of them to be done. */
const KILL_MS = 20_000;
const SETTLE_MS = 60_000;
const LOOK_MS = 20;

/** Ends a program again and again at one point while people buy, then looks what has become of their orders. */
export async function runPoint(
  shop: Shop,
  point: Point,
  options: { id: string; runs: number; random: Random; enough: AbortSignal },
): Promise<Outcome> {
  const { id, random, enough } = options;
  const purchases: Purchase[] = [];
  const left: Purchase[] = [];
  let killed = 0;
  let repeated = 0;
  let runs = 0;
  for (; runs < options.runs && !enough.aborted; runs++) {
    const { program: name, step, most, tokens = ["tok_ok"] } = point;
    const program = shop.program(name);
    const buyers = await Promise.all(
      Array.from({ length: BUYERS }, (_, i) =>
        Purchase.prepare(shop, `${id}-${runs}-${i}`, tokens[i % tokens.length] ?? "", random),
      ),
    );
    purchases.push(...buyers);
    await program.endAt({ step, nth: 1 + random.below(most) });
    await Promise.all(buyers.map((buyer) => buyer.place()));
    if (await program.ended(KILL_MS)) {
      killed++;
      await shop.restart(name);
    } else {
      await program.endAt({ step: "", nth: 0 });
    }
    // Some buyers do not come back, or not before all is over.
    const again: Purchase[] = [];
    for (const buyer of buyers.filter(({ answered }) => !answered)) (random.below(2) === 0 ? left : again).push(buyer);
    repeated += again.length;
    await Promise.all(again.map((buyer) => buyer.placeAgain()));
  }
  const prefix = `${id}-`;
  const findings = new Map<Purchase, Finding[]>();
  const check = async (which: readonly Purchase[]) => {
    await settled(shop);
    const evidence = await readEvidence(shop, prefix);
    for (const purchase of which) findings.set(purchase, [...(findings.get(purchase) ?? []), ...judge(purchase, evidence)]);
  };
  await check(left);
  for (const buyer of left) await buyer.placeAgain();
  await check(purchases);
  const whole = await wholeProblems(shop);
  const with_ = (fault: Fault) => [...findings.values()].filter((found) => found.some((one) => one.fault === fault)).length;
  return {
    ...{ point, runs, killed, orders: purchases.length, repeated: repeated + left.length },
    acknowledged: purchases.filter(({ answers }) => answers.some(({ state }) => state === "PLACED")).length,
    faults: { lost: with_("lost"), doubled: with_("doubled"), half: with_("half") + whole.length },
    problems: [
      ...[...findings.values()].flat().map(({ fault, text }) => `${point.name}: ${fault}: ${text}`),
      ...whole.map((text) => `${point.name}: ${text}`),
      ...(killed < runs ? [`${point.name}: was not come to in ${runs - killed} of ${runs} runs`] : []),
    ],
  };
}

/** Resolves when no order waits for its payment and every event is handled; or when it is time to look why not. */
export async function settled({ stores, consumers }: Shop, withinMs = SETTLE_MS): Promise<void> {
  const giveUpAt = Date.now() + withinMs;
  const quiet = async () => {
    const waiting = await stores.rows("orders", "select id from orders where state = 'PENDING_PAYMENT' limit 1");
    if (waiting.length > 0) return false;
    const [head] = await stores.rows<{ last_position: number }>("orders", "select last_position from event_log_head");
    for (const consumer of consumers) {
      const query = `select position from event_cursors where source = 'orders' and position >= ${head?.last_position}`;
      if (head?.last_position !== 0 && (await stores.rows(consumer, query)).length === 0) return false;
    }
    return true;
  };
  while (!(await quiet()) && Date.now() < giveUpAt) await sleep(LOOK_MS);
}
