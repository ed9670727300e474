// npm run test:kill-points -- --runs 50 --store postgres --transport amqp --points placed,push --seed 7
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { Random } from "../fuzz/random.ts";
import { type Ended, points } from "./points.ts";
import { tableOf } from "./report.ts";
import { type Outcome, runPoint } from "./run.ts";
import { Shop } from "./shop.ts";

const { values } = parseArgs({
  options: {
    /** How often a program is ended at each point. */
    runs: { type: "string", default: "50" },
    /** What the stores are: "sqlite" or "postgres", a server of which is started. */
    store: { type: "string", default: "sqlite" },
    /** What carries the events: "stream" or "amqp", a broker for which is started. */
    transport: { type: "string", default: "stream" },
    /** Parts of the names of the points, with commas between them. */
    points: { type: "string", default: "" },
    /** How many shops there are: each goes through points that no other has gone through. */
    lanes: { type: "string", default: "1" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    /** A defect to put in: "dual-write" notes events after the commit. */
    plant: { type: "string" },
  },
});
const runs = Number(values.runs);
const { store, transport, plant } = values;
if (
  !(runs > 0 && (store === "sqlite" || store === "postgres") && (transport === "stream" || transport === "amqp")) ||
  !(plant === undefined || plant === "dual-write")
) {
  throw new Error("there is no such thing: see the options at the top of test/kill-points/main.ts");
}
const MOST_PROBLEMS = 20;
const print = (text: string) => process.stdout.write(`${text}\n`);

const wanted = points.filter(
  (point) =>
    (point.transport ?? transport) === transport && values.points.split(",").some((part) => point.name.includes(part.trim())),
);
const programs = [...new Set<Ended>(["push", "recommendations", ...wanted.map(({ program }) => program)])];
print(`seed ${values.seed}, ${wanted.length} points, ${runs} runs each, ${store}, ${transport}`);

const outcomes: Outcome[] = [];
const waiting = [...wanted.entries()];
const enough = new AbortController();
// Ctrl-C: what is under way is looked at, and the table says how far it came.
process.once("SIGINT", () => enough.abort());
const lane = async (shop: Shop) => {
  while (!enough.signal.aborted) {
    const next = waiting.shift();
    if (next === undefined) return;
    const [index, point] = next;
    const begun = performance.now();
    // Of its own, so that a point alone is as it was among the others.
    const random = new Random(Number(values.seed) + points.indexOf(point));
    outcomes[index] = await runPoint(shop, point, { id: `p${index}`, runs, random, enough: enough.signal });
    process.stderr.write(`${point.name}: ${Math.round((performance.now() - begun) / 1_000)} s\n`);
  }
};
await using stack = new AsyncDisposableStack();
const shops: Shop[] = [];
// One after the other, and before anybody buys: to start a server holds everything up.
while (shops.length < Number(values.lanes)) shops.push(stack.use(await Shop.open({ store, transport, plant, programs })));
const lanes = await Promise.allSettled(shops.map(lane));

const tried = outcomes.filter((outcome) => outcome !== undefined);
const problems = [
  ...lanes.flatMap((one) => (one.status === "rejected" ? [`a shop has failed: ${one.reason}`] : [])),
  ...tried.flatMap((outcome) => outcome.problems),
  ...(tried.length < wanted.length ? [`${wanted.length - tried.length} points were not tried`] : []),
];
print(tableOf(tried));
for (const problem of problems.slice(0, MOST_PROBLEMS)) print(problem);
if (problems.length > MOST_PROBLEMS) print(`and ${problems.length - MOST_PROBLEMS} more`);
process.exitCode = problems.length === 0 && tried.length > 0 ? 0 : 1;
