// `npm run test:integration`: the tests that need more than Node: a PostgreSQL server, RabbitMQ, a mail server, Python, containers.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "./postgres.ts";
import { requirements } from "./requirements.ts";

const missing = requirements().filter(({ met }) => !met);
if (missing.length > 0) {
  const lines = missing.map(({ name, how }) => `  ${name}: ${how}`);
  process.stderr.write(`The integration tests need what this machine does not have:\n${lines.join("\n")}\n`);
  process.exit(1);
}

const totals = { passed: 0, failed: 0 };

/** Runs jest and adds up what it counted. A suite that could not run counts as a failure. */
function jest(env: Record<string, string>, ...patterns: string[]): void {
  const folder = mkdtempSync(join(tmpdir(), "bookmesh-integration-"));
  const report = join(folder, "report.json");
  const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", "node_modules/jest/bin/jest.js"];
  spawnSync(
    process.execPath,
    [...flags, ...patterns, "--json", "--outputFile", report, "--testPathIgnorePatterns", "/node_modules/"],
    {
      stdio: ["ignore", "ignore", "inherit"],
      timeout: 1_800_000,
      env: { ...process.env, ...env },
    },
  );
  const counts = JSON.parse(readFileSync(report, "utf8"));
  totals.passed += counts.numPassedTests;
  totals.failed += counts.numFailedTests + counts.numRuntimeErrorTestSuites;
  rmSync(folder, { recursive: true });
}

{
  using postgres = await startPostgres();
  // The tests of the stores and of all that stands on them, once more, on PostgreSQL.
  jest(
    { TEST_POSTGRES_URL: postgres.url },
    "services/(?!registry/(xds|pages)/|marketplace/storefront/)",
    "runtime/events/",
    "test/integration/postgres",
  );
}
// One after the other: they share one podman, and start brokers.
jest({}, "test/integration/(?!postgres)", "--runInBand");

process.stdout.write(`${totals.passed} passed, ${totals.failed} failed\n`);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
