import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const SEED = "20261121";

test("nothing that callers send to any method ends a process, hangs a call or fails the calls of others", async () => {
  const args = ["--disable-warning=ExperimentalWarning", MAIN, "--short", "--seed", SEED];

  const { stdout } = await promisify(execFile)(process.execPath, args).catch((failure) => failure);

  process.stdout.write(stdout);
  expect(stdout).toMatch(/^together +\d+ +0 +0$/m);
  expect(stdout).toMatch(/^exits 0, unhandled rejections and warnings 0$/m);
  // Whatever is wrong stands behind the summary.
  expect(stdout.split(/^bystander: .*\n/m)[1]).toBe("");
}, 120_000);
