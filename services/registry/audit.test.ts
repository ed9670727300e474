import { createLogger } from "../../runtime/logger.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { audited } from "./audit.ts";
import { NO_RULES, type Rules } from "./traffic.ts";

const operator = { trustDomain: "bookmesh.local", name: "operator" };

test("a change to very much is one line that is not very long", async () => {
  const logs = new LogLines();
  const ejected = new Set(Array.from({ length: 1_000 }, (_, i) => `instance-${i}`));
  const before = new Map<string, Rules>(Array.from({ length: 2_000 }, (_, i) => [`s${i}`, { ...NO_RULES, ejected }]));
  const change = { services: [...before.keys()], before, after: new Map() };
  const logger = createLogger({ name: "test", level: "info", destination: logs });

  await audited(logger, operator, { command: "Restore", target: "" }, async () => change);

  expect(logs.all).toHaveLength(1);
  expect(JSON.stringify(logs.all[0]).length).toBeLessThan(100_000);
});

test("a store that does not answer is a reason to refuse", async () => {
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "info", destination: logs });
  const lost = async () => Promise.reject(new Error("connect ECONNREFUSED 10.0.0.7:5432"));

  const outcome = audited(logger, operator, { command: "Restore", target: "" }, lost);

  await expect(outcome).rejects.toThrow("ECONNREFUSED");
  expect(logs.all).toMatchObject([{ msg: "traffic command refused", reason: "the rules could not be stored" }]);
});
