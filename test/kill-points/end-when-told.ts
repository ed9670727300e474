// Ends the process at a step as if the machine lost its power, when its parent has said at which: `node --import <this> <program>`.
import { subscribe } from "node:diagnostics_channel";
import { flushCompileCache } from "node:module";
import { STEPS, type Step } from "../../runtime/steps.ts";

/** What the parent says: at which step, and the how manyth time from now on. */
export interface Ending {
  readonly step: string;
  readonly nth: number;
}

let ending: Ending | undefined;
let left = 0;

subscribe(STEPS, (step) => {
  if ((step as Step).name === ending?.step && --left === 0) process.kill(process.pid, "SIGKILL");
});
process.on("message", (message) => {
  ending = message as Ending;
  left = ending.nth;
  // Who is killed writes nothing on the way out: the next start would be slow again.
  flushCompileCache();
  process.send?.("understood");
});
// Nobody is left to end it.
process.on("disconnect", () => process.exit(1));
// The program ends when it would without us.
process.channel?.unref();
