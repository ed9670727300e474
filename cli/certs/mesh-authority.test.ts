import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityOf } from "../../runtime/spiffe.ts";
import { temporaryFolder } from "../fixtures/processes.ts";
import { createRoot } from "./authority.ts";
import { AuthorityError } from "./authority-folder.ts";
import { DAY, HOUR, SECOND, TestMesh } from "./fixtures/mesh.ts";
import { MeshAuthority } from "./mesh-authority.ts";

const names = ["orders", "push"];

let mesh: TestMesh;
beforeEach(() => {
  mesh = new TestMesh();
});

function did(upkeep: Awaited<ReturnType<MeshAuthority["tend"]>>) {
  return Object.fromEntries(upkeep.outcomes.map((outcome) => [outcome.name, outcome.did]));
}

describe("leaves", () => {
  test("are issued for every name at first, by a root that is made for it", async () => {
    const upkeep = await mesh.authority.tend({ names });

    expect(upkeep.made).toMatchObject({ number: 1, signsFrom: mesh.now });
    expect(did(upkeep)).toEqual({ orders: "issued", push: "issued" });
    expect(identityOf(mesh.leaf("push"))).toEqual({ trustDomain: "bookmesh.local", name: "push" });
    expect(mesh.leaf("push").validFromDate).toEqual(new Date("2026-11-21T11:55:00Z"));
    expect(mesh.leaf("push").validToDate).toEqual(new Date("2026-11-22T12:00:00Z"));
    expect(upkeep.nextAt).toEqual(new Date("2026-11-22T00:00:00Z"));
  });

  test("and keys are their owner's alone", async () => {
    await mesh.authority.tend({ names });
    const mode = (...path: string[]) => (statSync(mesh.path(...path)).mode & 0o777).toString(8);

    expect(mode("authority")).toBe("700");
    expect(mode("authority", "1")).toBe("700");
    expect(mode("authority", "1", "root.key")).toBe("600");
    expect(mode("credentials")).toBe("700");
    expect(mode("credentials", "orders")).toBe("700");
    expect(mode("credentials", "orders", "tls.key")).toBe("600");
  });

  test("stay what they are in the first half of their life", async () => {
    await mesh.authority.tend({ names });
    const { serialNumber } = mesh.leaf("orders");

    mesh.pass(12 * HOUR - SECOND);
    const upkeep = await new MeshAuthority(mesh.data, () => mesh.now).tend({ names });

    expect(did(upkeep)).toEqual({ orders: "nothing", push: "nothing" });
    expect(mesh.leaf("orders").serialNumber).toBe(serialNumber);
  });

  test.each([
    ["at half of their life", 12 * HOUR],
    ["when the machine has slept beyond their end", 30 * DAY],
    ["when the clock was set back", -HOUR],
  ])("are renewed %s, also for names that nobody asks for", async (_when, ms) => {
    await mesh.authority.tend({ names: [...names, "alice"] });

    mesh.pass(ms);
    const upkeep = await mesh.authority.tend({ names });

    expect(did(upkeep)).toEqual({ alice: "issued", orders: "issued", push: "issued" });
    expect(mesh.leaf("alice").validToDate).toEqual(new Date(mesh.now.getTime() + DAY));
  });

  test("that were issued for another time are renewed for as long", async () => {
    await mesh.authority.tend({ issue: [{ name: "alice", validityMs: 2 * HOUR }] });
    expect(mesh.leaf("alice").validToDate).toEqual(new Date("2026-11-21T14:00:00Z"));

    mesh.pass(HOUR);
    await mesh.authority.tend();

    expect(mesh.leaf("alice").validToDate).toEqual(new Date("2026-11-21T15:00:00Z"));
  });

  test("are issued before that for those who ask for it", async () => {
    await mesh.authority.tend({ names });
    const { serialNumber } = mesh.leaf("orders");

    expect(did(await mesh.authority.tend({ issue: [{ name: "orders" }] }))).toEqual({ orders: "issued", push: "nothing" });
    expect(mesh.leaf("orders").serialNumber).not.toBe(serialNumber);
  });

  test("are issued into any folder, and not renewed there", async () => {
    const folder = join(temporaryFolder(), "alice");
    await mesh.authority.tend({ names, issue: [{ name: "alice", folder }] });
    expect(readFileSync(join(folder, "ca.crt"), "utf8")).toBe(readFileSync(mesh.path("authority", "1", "root.crt"), "utf8"));
    expect(existsSync(mesh.path("credentials", "alice"))).toBe(false);

    mesh.pass(13 * HOUR);

    expect(did(await mesh.authority.tend({ names }))).toEqual({ orders: "issued", push: "issued" });
  });

  test.each([
    ["without a file", (folder: string) => rmSync(join(folder, "..data", "tls.key"))],
    ["damaged", (folder: string) => writeFileSync(join(folder, "..data", "tls.crt"), "nonsense")],
    ["with the key of another", (folder: string) => copy(join(folder, "..", "push", "tls.key"), join(folder, "tls.key"))],
    ["with the name of another", (folder: string) => copyAll(join(folder, "..", "push"), folder)],
  ])("are issued again for a folder %s", async (_state, damage) => {
    await mesh.authority.tend({ names });
    damage(mesh.path("credentials", "orders"));

    expect(did(await mesh.authority.tend({ names }))).toEqual({ orders: "issued", push: "nothing" });
    expect(identityOf(mesh.leaf("orders"))).toMatchObject({ name: "orders" });
  });

  test("that cannot be written stay what they are, and keep nobody else from getting one", async () => {
    await mesh.authority.tend({ names });
    const { serialNumber } = mesh.leaf("orders");
    mkdirSync(mesh.path("credentials", "orders", "..data_tmp"));

    mesh.pass(12 * HOUR);
    const upkeep = await mesh.authority.tend({ names });

    expect(upkeep.outcomes).toMatchObject([
      { name: "orders", did: "nothing", error: expect.objectContaining({ code: "ERR_FS_EISDIR" }) },
      { name: "push", did: "issued", error: undefined },
    ]);
    expect(mesh.leaf("orders").serialNumber).toBe(serialNumber);
    expect(readdirSync(mesh.path("credentials", "orders")).filter((name) => /^\.\.\d/.test(name))).toHaveLength(1);

    rmSync(mesh.path("credentials", "orders", "..data_tmp"), { recursive: true });
    expect(did(await mesh.authority.tend({ names }))).toEqual({ orders: "issued", push: "nothing" });
  });

  test("are issued once when two processes come at the same time", async () => {
    const other = new MeshAuthority(mesh.data, () => mesh.now);
    const both = await Promise.all([mesh.authority.tend({ names }), other.tend({ names })]);

    expect(both.map((upkeep) => did(upkeep).orders).toSorted()).toEqual(["issued", "nothing"]);
    expect(mesh.roots()).toEqual([1]);
  });
});

describe("a roll", () => {
  beforeEach(async () => {
    await mesh.authority.tend({ names });
  });

  test("lets everybody trust the new root first, and issues by it when they have had time to load that", async () => {
    const { serialNumber } = mesh.leaf("orders");
    expect(await mesh.authority.beginRoll()).toMatchObject({ number: 2, signsFrom: undefined });

    const first = await mesh.authority.tend();
    expect(did(first)).toEqual({ orders: "bundled", push: "bundled" });
    expect(first.nextAt).toEqual(new Date(mesh.now.getTime() + 30 * SECOND));
    expect(mesh.trustedBy("orders")).toEqual([1, 2]);
    expect(mesh.leaf("orders").serialNumber).toBe(serialNumber);

    mesh.pass(30 * SECOND - 1);
    expect(did(await mesh.authority.tend())).toEqual({ orders: "nothing", push: "nothing" });
    expect(mesh.hasKey(1)).toBe(true);

    mesh.pass(1);
    expect(did(await mesh.authority.tend())).toEqual({ orders: "issued", push: "issued" });
    expect(mesh.issuerOf("orders")).toBe(2);
    expect(mesh.trustedBy("orders")).toEqual([1, 2]);
    expect([mesh.hasKey(1), mesh.hasKey(2)]).toEqual([false, true]);
  });

  test("trusts the old root until the last leaf that it has issued has expired", async () => {
    await mesh.authority.tend({ issue: [{ name: "alice", folder: join(temporaryFolder(), "alice"), validityMs: 3 * DAY }] });
    await roll();

    mesh.pass(3 * DAY - 31 * SECOND);
    expect((await mesh.authority.tend()).dropped).toEqual([]);
    expect(mesh.trustedBy("orders")).toEqual([1, 2]);

    mesh.pass(SECOND);
    const { dropped } = await mesh.authority.tend();
    expect(dropped.map(({ number }) => number)).toEqual([1]);
    expect(mesh.roots()).toEqual([2]);
    expect(readFileSync(mesh.path("credentials", "orders", "ca.crt"), "utf8")).toBe(
      readFileSync(mesh.path("authority", "2", "root.crt"), "utf8"),
    );
  });

  test("that has begun is not begun again", async () => {
    await mesh.authority.beginRoll();
    await mesh.authority.tend();

    expect(await mesh.authority.beginRoll()).toMatchObject({ number: 2 });
    expect(mesh.roots()).toEqual([1, 2]);
  });

  test("can follow a roll whose old root is still trusted", async () => {
    await roll();
    await roll();

    expect(mesh.roots()).toEqual([1, 2, 3]);
    expect(mesh.trustedBy("push")).toEqual([1, 2, 3]);
    expect([1, 2, 3].map((number) => mesh.hasKey(number))).toEqual([false, false, true]);
    expect(mesh.issuerOf("push")).toBe(3);
  });

  test("waits for credentials that cannot be written", async () => {
    await mesh.authority.beginRoll();
    mkdirSync(mesh.path("credentials", "orders", "..data_tmp"));

    await mesh.authority.tend();
    mesh.pass(HOUR);
    await mesh.authority.tend();
    expect(mesh.trustedBy("push")).toEqual([1, 2]);
    expect(mesh.issuerOf("push")).toBe(1);

    rmSync(mesh.path("credentials", "orders", "..data_tmp"), { recursive: true });
    await mesh.authority.tend();
    mesh.pass(30 * SECOND);
    await mesh.authority.tend();
    expect(mesh.issuerOf("push")).toBe(2);
  });

  test("issues by the old root to those who come in the midst of it, and they trust both", async () => {
    await mesh.authority.beginRoll();
    await mesh.authority.tend();

    await mesh.authority.tend({ issue: [{ name: "alice" }] });

    expect(mesh.issuerOf("alice")).toBe(1);
    expect(mesh.trustedBy("alice")).toEqual([1, 2]);
  });

  test("goes on where the clock is set back after the old key is gone", async () => {
    await roll();

    mesh.pass(-HOUR);
    await mesh.authority.tend();

    expect(mesh.issuerOf("orders")).toBe(2);
    expect(mesh.leaf("orders").validFromDate < mesh.now).toBe(true);
  });

  test("begins by itself 90 days before the root expires", async () => {
    mesh.pass(3_650 * DAY - 91 * DAY);
    expect((await mesh.authority.tend()).made).toBeUndefined();

    mesh.pass(DAY + SECOND);
    const { made } = await mesh.authority.tend();
    expect(made).toMatchObject({ number: 2, signsFrom: undefined });
    expect(mesh.trustedBy("orders")).toEqual([1, 2]);
  });

  test("is not waited for when the only root has expired", async () => {
    mesh.pass(3_651 * DAY);
    const { made, dropped } = await mesh.authority.tend();

    expect([made?.number, dropped[0]?.number]).toEqual([2, 1]);
    expect(mesh.issuerOf("orders")).toBe(2);
  });

  async function roll() {
    await mesh.authority.beginRoll();
    await mesh.authority.tend();
    mesh.pass(30 * SECOND);
    await mesh.authority.tend();
  }
});

describe("an authority", () => {
  test("is only looked at by those who look", async () => {
    expect(await mesh.authority.look()).toEqual({ roots: [], leaves: [] });
    expect(readdirSync(mesh.data)).toEqual([]);
  });

  test.each([
    ["root.crt", "is missing", () => rmSync(mesh.path("authority", "1", "root.crt"))],
    ["root.crt", "is damaged", () => writeFileSync(mesh.path("authority", "1", "root.crt"), "nonsense")],
    ["root.key", "is damaged", () => writeFileSync(mesh.path("authority", "1", "root.key"), "")],
    ["record.json", "is damaged", () => writeFileSync(mesh.path("authority", "1", "record.json"), "{")],
  ])("whose %s %s is not replaced by a new one", async (file, problem, damage) => {
    await mesh.authority.tend({ names });
    const { serialNumber } = mesh.leaf("orders");
    damage();
    mesh.pass(12 * HOUR);

    await expect(mesh.authority.tend({ names })).rejects.toEqual(
      new AuthorityError(
        `${mesh.path("authority", "1", file)} ${problem}: put it back from a backup; or move ${mesh.path("authority")} away, ` +
          "for a new root that nobody trusts yet",
      ),
    );
    expect(mesh.leaf("orders").serialNumber).toBe(serialNumber);
  });

  test("without its key, or with the key of another, is not replaced by a new one", async () => {
    await mesh.authority.tend({ names });
    const { keyPem } = await createRoot({ trustDomain: "bookmesh.local", now: mesh.now });
    writeFileSync(mesh.path("authority", "1", "root.key"), keyPem);
    await expect(mesh.authority.tend({ names })).rejects.toThrow("root.key is not the key of root.crt");

    rmSync(mesh.path("authority", "1", "root.key"));
    await expect(mesh.authority.tend({ names })).rejects.toThrow("1 has no root.key: put it back");
  });

  test("that cannot be read is said in a sentence", async () => {
    writeFileSync(mesh.path("authority"), "a file");

    await expect(mesh.authority.tend({ names })).rejects.toThrow(
      new AuthorityError(`cannot use ${mesh.path("authority")}: EEXIST: file already exists, mkdir '${mesh.path("authority")}'`),
    );
  });

  test("forgets a root that was being made, or taken away, when a process was stopped", async () => {
    for (const name of [".new-1", ".old-7"]) {
      mkdirSync(mesh.path("authority", name), { recursive: true });
      writeFileSync(mesh.path("authority", name, "root.key"), "half");
    }

    await mesh.authority.tend({ names });

    expect(readdirSync(mesh.path("authority")).toSorted()).toEqual(["1", "lock"]);
  });

  test("that was moved away is replaced, and everybody gets a leaf of the new one", async () => {
    await mesh.authority.tend({ names });
    rmSync(mesh.path("authority"), { recursive: true });

    const upkeep = await mesh.authority.tend();

    expect(upkeep.made?.number).toBe(1);
    expect(did(upkeep)).toEqual({ orders: "issued", push: "issued" });
  });

  test("issues nothing that outlives its root", async () => {
    await mesh.authority.tend({ issue: [{ name: "alice", validityMs: 5_000 * DAY }] });

    expect(mesh.leaf("alice").validToDate).toEqual(new Date(mesh.now.getTime() + 3_650 * DAY));
  });
});

function copy(from: string, to: string) {
  const content = readFileSync(from);
  chmodSync(to, 0o600);
  writeFileSync(to, content);
}

function copyAll(from: string, to: string) {
  for (const name of ["ca.crt", "tls.crt", "tls.key"]) copy(join(from, name), join(to, name));
}
