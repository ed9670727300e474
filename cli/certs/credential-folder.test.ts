import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../fixtures/processes.ts";
import { createRoot, issueLeaf } from "./authority.ts";
import { credentialPath, readCredentials, writeCredentials } from "./credential-folder.ts";

const first = { ca: "ca 1", certificate: "certificate 1", key: "key 1" };
const second = { ca: "ca 2", certificate: "certificate 2", key: "key 2" };

function newFolder(): string {
  return join(temporaryFolder(), "credentials", "orders");
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test("writes three files that only their owner can read the key of", async () => {
  const folder = newFolder();

  await writeCredentials(folder, first);

  expect(readdirSync(folder).filter((name) => !name.startsWith(".."))).toEqual(["ca.crt", "tls.crt", "tls.key"]);
  expect(readFileSync(credentialPath(folder, "key"), "utf8")).toBe("key 1");
  expect(await readCredentials(folder)).toEqual(first);
  expect([mode(folder), mode(join(folder, "..data")), mode(join(folder, "tls.key"))]).toEqual(["700", "700", "600"]);
});

test("replaces all three at once, and keeps the version before for those who are reading it", async () => {
  const folder = newFolder();
  await writeCredentials(folder, { ca: "ca 0", certificate: "certificate 0", key: "key 0" });
  await writeCredentials(folder, first);
  const before = readlinkSync(join(folder, "..data"));

  await writeCredentials(folder, second);

  expect(await readCredentials(folder)).toEqual(second);
  expect(readFileSync(join(folder, before, "tls.key"), "utf8")).toBe("key 1");
  const versions = readdirSync(folder).filter((name) => name.startsWith("..2"));
  expect(versions.toSorted()).toEqual([before, readlinkSync(join(folder, "..data"))].toSorted());
});

test("clears away what a writer that was stopped has left", async () => {
  const folder = newFolder();
  await writeCredentials(folder, first);
  const unfinished = join(folder, "..2026_01_01_00_00_00.000.0badcafe");
  mkdirSync(unfinished);
  writeFileSync(join(unfinished, "tls.key"), "half a key");
  symlinkSync("..2026_01_01_00_00_00.000.0badcafe", join(folder, "..data_tmp"));

  await writeCredentials(folder, second);

  expect(await readCredentials(folder)).toEqual(second);
  expect(readdirSync(folder)).not.toContain("..data_tmp");
  expect(readdirSync(folder).filter((name) => name.startsWith("..2"))).toHaveLength(2);
});

test("takes the place of plain files, and leaves other files alone", async () => {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  for (const name of ["ca.crt", "tls.crt", "tls.key", "notes.txt"]) writeFileSync(join(folder, name), `plain ${name}`);
  expect(await readCredentials(folder)).toEqual({ ca: "plain ca.crt", certificate: "plain tls.crt", key: "plain tls.key" });

  await writeCredentials(folder, first);

  expect(await readCredentials(folder)).toEqual(first);
  expect(readFileSync(join(folder, "notes.txt"), "utf8")).toBe("plain notes.txt");
});

test("finds nothing where one of the files is missing", async () => {
  expect(await readCredentials(newFolder())).toBeUndefined();
});

test("never shows a reader a certificate with the key of another", async () => {
  const folder = newFolder();
  const now = new Date();
  const root = await createRoot({ trustDomain: "bookmesh.local", now });
  const times = { notBefore: now, notAfter: new Date(now.getTime() + 60_000) };
  const leaves = await Promise.all(
    Array.from({ length: 30 }, () => issueLeaf(root, { trustDomain: "bookmesh.local", name: "orders", ...times })),
  );
  const filesOf = (leaf: (typeof leaves)[number]) => ({
    ca: root.certificatePem,
    certificate: leaf.certificatePem,
    key: leaf.keyPem,
  });
  await writeCredentials(folder, filesOf(leaves[0] ?? root));

  let writing = true;
  const writer = (async () => {
    for (const leaf of leaves) await writeCredentials(folder, filesOf(leaf));
    writing = false;
  })();
  let reads = 0;
  while (writing) {
    const files = await readCredentials(folder);
    expect(new X509Certificate(files?.certificate ?? "").checkPrivateKey(createPrivateKey(files?.key ?? ""))).toBe(true);
    reads += 1;
  }
  await writer;

  expect(reads).toBeGreaterThan(10);
});
