import { Metadata } from "nice-grpc";
import { createLogger } from "../../runtime/logger.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { actorOf, audited } from "./audit.ts";
import { NO_RULES, type Rules } from "./traffic.ts";

const peer = "192.0.2.1:5000";

test.each([
  ["bookmesh-cli grpc-node-js/1.14.7", `${peer} bookmesh-cli`],
  ["bookmesh-cli/1.0 grpc-node-js/1.14.7", `${peer} bookmesh-cli`],
  ["bookmesh-orders", `${peer} bookmesh-orders`],
  ["grpc-node-js/1.14.7", peer],
  ["grpc-node-js/1.14.7 bookmesh-cli", peer],
  ["bookmesh-", peer],
  ["bookmesh-cli,root", peer],
  [`bookmesh-${"a".repeat(64)}`, peer],
])("who calls as %j is %s", (userAgent, actor) => {
  expect(actorOf({ peer, metadata: Metadata({ "user-agent": userAgent }) })).toBe(actor);
});

test("who does not say what it is is where it calls from", () => {
  expect(actorOf({ peer, metadata: Metadata() })).toBe(peer);
});

test("a change to very much is one line that is not very long", async () => {
  const logs = new LogLines();
  const ejected = new Set(Array.from({ length: 1_000 }, (_, i) => `instance-${i}`));
  const before = new Map<string, Rules>(Array.from({ length: 2_000 }, (_, i) => [`s${i}`, { ...NO_RULES, ejected }]));
  const change = { services: [...before.keys()], before, after: new Map() };
  const logger = createLogger({ name: "test", level: "info", destination: logs });

  await audited(logger, { peer, metadata: Metadata() }, { command: "Restore", target: "" }, async () => change);

  expect(logs.all).toHaveLength(1);
  expect(JSON.stringify(logs.all[0]).length).toBeLessThan(100_000);
});

test("a store that does not answer is a reason to refuse", async () => {
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "info", destination: logs });
  const lost = async () => Promise.reject(new Error("connect ECONNREFUSED 10.0.0.7:5432"));

  const outcome = audited(logger, { peer, metadata: Metadata() }, { command: "Restore", target: "" }, lost);

  await expect(outcome).rejects.toThrow("ECONNREFUSED");
  expect(logs.all).toMatchObject([{ msg: "traffic command refused", reason: "the rules could not be stored" }]);
});
