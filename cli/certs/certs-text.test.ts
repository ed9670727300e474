import { rmSync, writeFileSync } from "node:fs";
import { certsDocument } from "./certs-document.ts";
import { certsText } from "./certs-text.ts";
import { HOUR, SECOND, TestMesh } from "./fixtures/mesh.ts";

let mesh: TestMesh;
beforeEach(() => {
  mesh = new TestMesh();
});

/** What is shown, with fingerprints cut short. */
async function shown(colour = false): Promise<string> {
  const { now } = mesh;
  return certsText(certsDocument(await mesh.authority.look(), now), { colour, now }).replace(/(:[0-9A-F]{2}){31}/g, ":…");
}

test("says that there is nothing yet", async () => {
  expect(await shown()).toBe("There are no certificates yet: `bookmesh up` makes them, and so does `bookmesh certs issue`.\n");
});

test("shows each certificate, and the root", async () => {
  await mesh.authority.tend({ names: ["orders"], issue: [{ name: "alice", validityMs: 8 * HOUR }] });
  mesh.pass(4 * HOUR + 60 * SECOND);

  expect(await shown()).toMatch(/^root 1 +in 3650 d +signs +[0-9A-F]{2}:…$/m);
  expect((await shown()).split("\n").slice(0, 5)).toEqual([
    "NAME    IDENTITY                        EXPIRES  RENEWED   ISSUED BY  STATE",
    "alice   spiffe://bookmesh.local/alice   in 4 h   60 s ago  root 1     due",
    "orders  spiffe://bookmesh.local/orders  in 20 h  in 8 h    root 1     good",
    "",
    "ROOT    EXPIRES    STATE  SHA-256 FINGERPRINT",
  ]);
});

test("shows what is wrong with a certificate", async () => {
  await mesh.authority.tend({ names: ["missing", "damaged", "good"], issue: [{ name: "expired", validityMs: HOUR }] });
  await new TestMesh().authority.tend({ issue: [{ name: "strange", folder: mesh.path("credentials", "strange") }] });
  rmSync(mesh.path("credentials", "missing", "..data", "tls.key"));
  writeFileSync(mesh.path("credentials", "damaged", "..data", "tls.crt"), "nonsense");
  mesh.pass(2 * HOUR);

  const states = certsDocument(await mesh.authority.look(), mesh.now).credentials.map(({ name, state }) => [name, state]);
  expect(Object.fromEntries(states)).toEqual({
    missing: "missing",
    damaged: "damaged",
    good: "good",
    expired: "expired",
    strange: "of an unknown root",
  });
  mesh.pass(-3 * HOUR);
  expect(certsDocument(await mesh.authority.look(), mesh.now).credentials).toContainEqual(
    expect.objectContaining({ name: "good", state: "not yet valid" }),
  );
});

test("shows how far a roll is", async () => {
  await mesh.authority.tend({ names: ["orders"] });
  await mesh.authority.beginRoll();
  expect(await shown()).toMatch(/root 2 .* not yet trusted by all /);

  await mesh.authority.tend();
  expect(await shown()).toMatch(/root 2 .* signs from 2026-11-21 12:00:30 UTC /);

  mesh.pass(30 * SECOND);
  await mesh.authority.tend();
  expect(await shown()).toMatch(/root 1 .* trusted until 2026-11-22 12:00:00 UTC .*\nroot 2 .* signs /);
});

test("shows colours where they are asked for, and a key never", async () => {
  await mesh.authority.tend({ names: ["orders"] });

  expect(await shown(true)).toContain("\u001b[32mgood");
  expect(JSON.stringify(certsDocument(await mesh.authority.look(), mesh.now))).not.toMatch(/PRIVATE|BEGIN/);
});
