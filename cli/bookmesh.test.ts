import { join } from "node:path";
import { run } from "./fixtures/processes.ts";

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

test.each([[["up", "--datas", "x"]], [["dwon"]], [["up", "--log-format", "xml"]]])("ends with 64 for %j", async (args) => {
  expect(await run([bookmesh, ...args]).status).toBe(64);
});
