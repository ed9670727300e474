// npm run test:fuzz -- --seed 7 --seconds 300 --method Push
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { allMethods } from "./methods.ts";
import { problemsOf, summaryOf, tableOf } from "./report.ts";
import { fuzz } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    seconds: { type: "string", default: "300" },
    /** A part of the path of the methods that are attacked. */
    method: { type: "string", default: "" },
    /** One round with less of everything, as in `npm test`. */
    short: { type: "boolean", default: false },
  },
});
const methods = allMethods().filter(({ contract }) => contract.path.includes(values.method));
const [seed, seconds] = [Number(values.seed), Number(values.seconds)];
const print = (text: string) => process.stdout.write(`${text}\n`);

print(`seed ${seed}, ${methods.length} methods, ${values.short ? "one short round" : `${seconds} seconds`}`);
const report = await fuzz({ seed, methods, durationMs: values.short ? 0 : seconds * 1_000 });
const problems = problemsOf(report);
print([tableOf(report.counts), summaryOf(report), ...problems].join("\n"));
process.exitCode = problems.length === 0 ? 0 : 1;
