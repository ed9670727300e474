import { existsSync } from "node:fs";
import { join } from "node:path";
import { run, temporaryFolder } from "./fixtures/processes.ts";
import { lockFolder } from "./lock.ts";

test("keeps others out until it is released", () => {
  const folder = temporaryFolder();
  const lock = lockFolder(folder);

  expect(() => lockFolder(folder)).toThrow(
    `bookmesh is already running in ${folder} (process ${process.pid}): stop it or choose another folder with --data`,
  );
  lock.release();
  lockFolder(folder).release();
});

test("makes the folder", () => {
  const folder = join(temporaryFolder(), "a", "b");

  lockFolder(folder).release();

  expect(existsSync(folder)).toBe(true);
});

test("takes over from a process that was killed", async () => {
  const folder = temporaryFolder();
  const module = JSON.stringify(join(import.meta.dirname, "lock.ts"));
  const holder = run([
    "--input-type=module",
    "--eval",
    `globalThis.lock = (await import(${module})).lockFolder(${JSON.stringify(folder)}); console.log("locked"); setInterval(() => {}, 1e6);`,
  ]);
  await holder.line(({ msg }) => msg === "locked");
  expect(() => lockFolder(folder)).toThrow(`(process ${holder.pid})`);

  holder.kill("SIGKILL");
  await holder.status;

  expect(() => lockFolder(folder).release()).not.toThrow();
});
