import { mkdirSync } from "node:fs";
import { HOUR, SECOND, TestMesh } from "./fixtures/mesh.ts";
import { MeshAuthority } from "./mesh-authority.ts";
import { replaceRootAtOnce, rollRoot } from "./roll.ts";

let mesh: TestMesh;
let said: string[];
beforeEach(async () => {
  mesh = new TestMesh();
  said = [];
  await mesh.authority.tend({ names: ["orders", "push", "operator"] });
});

/** @param wait what happens while it waits. The clock goes on by itself. */
function roll(wait: (ms: number) => Promise<void> | void = () => {}, settleMs?: number) {
  return rollRoot(mesh.authority, {
    settleMs,
    say: (line) => void said.push(line),
    wait: async (ms) => {
      await wait(ms);
      mesh.pass(ms);
    },
    now: () => mesh.now,
  });
}

test("replaces the root, and says what it does", async () => {
  await roll();

  expect(said).toEqual([
    "Root 2 is there, and trusted by operator, orders and push.",
    "It signs in 30 s, when every process has loaded it.",
    "Root 2 has issued the certificates of operator, orders and push.",
    "The key of root 1 is deleted. It stays trusted until 2026-11-22 12:00:00 UTC, when its last certificate has expired.",
    "Credentials that were issued with --out do not know root 2: issue them again.",
  ]);
  expect(mesh.issuerOf("orders")).toBe(2);
});

test("waits as long as it is told to, and until the time has come by the clock", async () => {
  const waits: number[] = [];
  await roll((ms) => {
    // A timer may be early.
    if (waits.push(ms) === 1) mesh.pass(-10);
  }, 5 * SECOND);

  expect(waits).toEqual([5_000, 10]);
});

test("leaves certificates as they are when it is stopped before the new root signs, and goes on when it is run again", async () => {
  const stopped = new Error("stopped");
  const stop = () => {
    throw stopped;
  };
  await expect(roll(stop)).rejects.toBe(stopped);
  expect(mesh.issuerOf("orders")).toBe(1);
  expect(mesh.trustedBy("orders")).toEqual([1, 2]);

  mesh.pass(10 * SECOND);
  await roll();

  expect(said).toContain("It signs in 20 s, when every process has loaded it.");
  expect(mesh.issuerOf("orders")).toBe(2);
  expect(mesh.roots()).toEqual([1, 2]);
});

test("works while somebody else looks after the certificates", async () => {
  const other = new MeshAuthority(mesh.data, () => mesh.now);
  await roll(async () => {
    mesh.pass(30 * SECOND);
    await other.tend();
  });

  expect(said).toContain("Root 2 has issued the certificates of operator, orders and push.");
});

test("does not wait where somebody cannot be told of the new root", async () => {
  mkdirSync(mesh.path("credentials", "orders", "..data_tmp"));

  await expect(roll()).rejects.toThrow(/^cannot write the credentials of orders: /);
  expect(mesh.hasKey(1)).toBe(true);
});

test("trusts no root before the new one at once, when it is told to", async () => {
  await mesh.authority.beginRoll();
  mesh.pass(HOUR);

  await replaceRootAtOnce(mesh.authority, { say: (line) => void said.push(line) });

  expect(mesh.roots()).toEqual([3]);
  expect(mesh.trustedBy("orders")).toEqual([3]);
  expect(mesh.issuerOf("orders")).toBe(3);
  expect(said).toEqual([
    "Root 3 has issued the certificates of operator, orders and push.",
    "Credentials that were issued with --out do not know root 3: issue them again.",
  ]);
});

test("makes the first root where there is none to replace", async () => {
  const empty = new TestMesh();

  await replaceRootAtOnce(empty.authority, { say: (line) => void said.push(line) });

  expect(empty.roots()).toEqual([1]);
  expect(said[0]).toBe("Root 1 has issued the certificates of nobody.");
});
