// Ends the process at a step, as if the machine lost its power: `node --import <this> <program>`
// with END_AT_STEP="events.consumer.before-commit" (the first time) or "…#3" (the third time).
import { subscribe } from "node:diagnostics_channel";
import { STEPS, type Step } from "../../runtime/steps.ts";

const [name, count = "1"] = (process.env.END_AT_STEP ?? "").split("#");
let left = Number(count);

subscribe(STEPS, (step) => {
  if ((step as Step).name === name && --left === 0) process.kill(process.pid, "SIGKILL");
});
