import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createLogger } from "../../runtime/logger.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { DAY, HOUR, SECOND, TestMesh } from "./fixtures/mesh.ts";
import { CredentialKeeper } from "./keeper.ts";
import { MeshAuthority } from "./mesh-authority.ts";

const names = ["orders", "push"];

let mesh: TestMesh;
let logs: LogLines;
let log: ReturnType<typeof createLogger>;
beforeEach(() => {
  mesh = new TestMesh();
  logs = new LogLines();
  log = createLogger({ name: "test", level: "info", destination: logs });
});

function open() {
  return CredentialKeeper.open({ authority: mesh.authority, names, now: () => mesh.now });
}

function messages() {
  return logs.all.map(({ msg }) => msg);
}

function serials() {
  return names.map((name) => mesh.leaf(name).serialNumber);
}

test("says what it has made before anything else", async () => {
  const keeper = await open();
  keeper.start(log)();

  expect(messages()).toEqual(["made a root certificate", "issued certificates to orders, push"]);
});

test("leaves the disk alone until there is something to do", async () => {
  const keeper = await open();
  rmSync(mesh.path("credentials", "orders"), { recursive: true });

  mesh.pass(59 * SECOND);
  await keeper.tick(log);

  expect(messages()).toEqual([]);
});

test("renews each leaf at half of its life", async () => {
  const keeper = await open();
  const before = serials();

  mesh.pass(12 * HOUR - SECOND);
  await keeper.tick(log);
  expect(serials()).toEqual(before);

  mesh.pass(SECOND);
  await keeper.tick(log);
  expect(new Set([...serials(), ...before]).size).toBe(4);
  expect(messages()).toEqual(["issued certificates to orders, push"]);
});

test.each([
  ["has slept", 7 * DAY],
  ["has got its clock set back", -7 * DAY],
])("catches up at once when the machine %s", async (_what, ms) => {
  const keeper = await open();

  mesh.pass(ms);
  await keeper.tick(log);

  expect(mesh.leaf("orders").validToDate).toEqual(new Date(mesh.now.getTime() + DAY));
});

test("goes on with a roll that a command has begun", async () => {
  const keeper = await open();
  await new MeshAuthority(mesh.data, () => mesh.now).beginRoll();

  mesh.pass(60 * SECOND);
  await keeper.tick(log);
  mesh.pass(30 * SECOND);
  await keeper.tick(log);
  expect(mesh.issuerOf("orders")).toBe(2);
  mesh.pass(DAY);
  await keeper.tick(log);

  expect(mesh.trustedBy("orders")).toEqual([2]);
  expect(messages()).toEqual([
    "told orders, push which roots to trust",
    "issued certificates to orders, push",
    "root 1 is trusted no more",
    "issued certificates to orders, push",
  ]);
});

test("keeps what is there when it cannot write, says so once, and tries again every minute", async () => {
  const keeper = await open();
  const [serial] = serials();
  mkdirSync(mesh.path("credentials", "orders", "..data_tmp"));

  mesh.pass(12 * HOUR);
  for (let minutes = 0; minutes < 3; minutes++, mesh.pass(60 * SECOND)) await keeper.tick(log);

  expect(serials()[0]).toBe(serial);
  const complaints = logs.with({ level: 50 });
  expect(complaints).toEqual([expect.objectContaining({ notAfter: { orders: "2026-11-22T12:00:00.000Z" } })]);
  expect(complaints[0]?.msg).toMatch(/^cannot renew certificates, the old ones are kept: orders: .*\.\.data_tmp/);

  rmSync(mesh.path("credentials", "orders", "..data_tmp"), { recursive: true });
  await keeper.tick(log);
  expect(serials()[0]).not.toBe(serial);
});

test("keeps what is there when the authority is damaged, and goes on when it is repaired", async () => {
  const keeper = await open();
  const before = serials();
  const record = mesh.path("authority", "1", "record.json");
  writeFileSync(record, "{");

  mesh.pass(12 * HOUR);
  for (let minutes = 0; minutes < 3; minutes++, mesh.pass(60 * SECOND)) await keeper.tick(log);

  expect(serials()).toEqual(before);
  expect(messages()).toEqual([expect.stringContaining(`${record} is damaged`)]);

  writeFileSync(record, JSON.stringify({ signsFrom: mesh.now }));
  await keeper.tick(log);
  expect(new Set([...serials(), ...before]).size).toBe(4);
});

test("begins with credentials that cannot be renewed, as long as they are good", async () => {
  await open();
  mkdirSync(mesh.path("credentials", "orders", "..data_tmp"));
  mesh.pass(13 * HOUR);

  const keeper = await open();
  keeper.start(log)();

  expect(messages().at(-1)).toMatch(/^cannot renew certificates, the old ones are kept: orders: /);
});

test("does not begin without credentials for everybody", async () => {
  mkdirSync(mesh.path("credentials"));
  writeFileSync(mesh.path("credentials", "orders"), "a file");

  await expect(open()).rejects.toThrow(/^cannot issue a certificate to orders: .*ENOTDIR|EEXIST/);
});
