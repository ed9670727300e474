import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

/** Runs `npm run test:kill-points` with these options. */
export function killPoints(...options: string[]): Promise<{ status: number; output: string; together: Record<string, number> }> {
  return new Promise((resolve) => {
    const args = ["--disable-warning=ExperimentalWarning", MAIN, ...options];
    const child = execFile(process.execPath, args, (_error, output, stderr) => {
      const lines = output.split("\n").map((line) => line.split(/ {2,}/));
      const [names = [], values = []] = ["point", "together"].map((first) => lines.find(([cell]) => cell === first));
      const together = Object.fromEntries(names.map((name, column) => [name, Number(values[column])]));
      const status = child.exitCode ?? -1;
      resolve({ status, output: status === 0 ? output : `${output}\n${stderr}`, together });
    });
  });
}
