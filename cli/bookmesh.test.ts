import { join } from "node:path";
import { run } from "./fixtures/processes.ts";
import { meshData, startRegistry } from "./fixtures/start-registry.ts";

const bookmesh = join(import.meta.dirname, "bookmesh.js");

test("tells an old Node how to run it", async () => {
  const pretendToBeOld = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })";
  const program = run(["--import", `data:text/javascript,${encodeURIComponent(pretendToBeOld)}`, bookmesh, "up"]);

  expect(await program.status).toBe(64);
  expect(program.stderr()).toMatch(
    /needs Node 24 or later, and this is Node 20\.20\.2\. Run it with `npm start` or `npx bookmesh`/,
  );
});

test("shows its commands", async () => {
  const program = run([bookmesh, "--help"]);

  expect(await program.status).toBe(0);
  expect(program.lines.map(({ msg }) => msg).join("\n")).toMatch(/^ +up /m);
});

test.each([
  [["up", "--datas", "x"]],
  [["dwon"]],
  [["up", "--log-format", "xml"]],
  [["up", "--replicas", "nobody=2"]],
  [["status", "--registry", "nonsense"]],
  [["split", "push", "v1"]],
  [["fault", "push", "--delay", "200"]],
  [["fault", "push"]],
  [["balance", "push", "fair"]],
  [["eject"]],
  [["certs", "issue", "Alice"]],
  [["certs", "issue", "alice", "--valid", "1y"]],
  [["certs", "rol"]],
])("ends with 64 for %j", async (args) => {
  const program = run([bookmesh, ...args]);

  expect(await program.status).toBe(64);
  expect(program.stderr()).not.toMatch(/^ +at /m);
});

test("asks the registry from the command line, and is over when it has answered", async () => {
  const data = await meshData();
  await using it = await startRegistry(data);
  it.registry.show([{ name: "push" }]);
  const command = (...args: string[]) => run([bookmesh, ...args, "--registry", it.address, "--data", data]);

  const fault = command("fault", "push", "--delay", "1.5s", "--abort", "unavailable", "--percent", "20");
  const split = command("split", "push", "v1=90", "v2=10");
  const status = command("status");

  expect(await Promise.all([fault.status, split.status, status.status])).toEqual([0, 0, 0]);
  expect(it.registry.changes).toEqual(
    expect.arrayContaining([
      ["setFault", { service: "push", fault: { percent: 20, delay: { seconds: 1n, nanos: 500_000_000 }, abortCode: 14 } }],
      [
        "setSplit",
        {
          service: "push",
          shares: [
            { version: "v1", percent: 90 },
            { version: "v2", percent: 10 },
          ],
        },
      ],
    ]),
  );
  expect(status.lines.map(({ msg }) => msg)).toContain("push     none: it has no instance");
});

test("stops to watch on Ctrl-C, with 0", async () => {
  const data = await meshData();
  await using it = await startRegistry(data);
  const watch = run([bookmesh, "status", "--watch", "--json", "--registry", it.address, "--data", data]);
  await watch.line((line) => line.services !== undefined);

  watch.kill("SIGINT");

  expect(await watch.status).toBe(0);
  expect(watch.stderr()).toBe("");
});
