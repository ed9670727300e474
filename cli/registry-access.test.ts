import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BadSettings } from "./bad-settings.ts";
import { MeshAuthority } from "./certs/mesh-authority.ts";
import { temporaryFolder } from "./fixtures/processes.ts";
import { meshData, startRegistry } from "./fixtures/start-registry.ts";
import { testSurroundings } from "./fixtures/surroundings.ts";
import { NoCredentials, openAccess, openCredentials } from "./registry-access.ts";
import { status } from "./status-command.ts";

async function nameOf(options: Parameters<typeof openCredentials>[0], env: NodeJS.ProcessEnv = {}) {
  const credentials = await openCredentials(options, env);
  credentials.close();
  return credentials.identity.name;
}

test("asks as whom it is told to, then as the environment says, then as the operator of the mesh on this machine", async () => {
  const data = await meshData();
  const [alice, bob] = ["alice", "bob"].map((name) => join(temporaryFolder(), name)) as [string, string];
  await new MeshAuthority(data).tend({
    issue: [
      { name: "alice", folder: alice },
      { name: "bob", folder: bob },
    ],
  });
  const env = { CREDENTIALS_DIR: bob };

  expect(await nameOf({ data, credentials: alice }, env)).toBe("alice");
  expect(await nameOf({ data }, env)).toBe("bob");
  expect(await nameOf({ data }, { CREDENTIALS_DIR: "" })).toBe("operator");
});

test("says what to do where there is no certificate", async () => {
  const data = temporaryFolder();
  const missing = join(data, "credentials", "operator", "ca.crt");

  await expect(openCredentials({ data }, {})).rejects.toEqual(
    new NoCredentials(
      `${missing} does not exist: \`bookmesh certs issue operator\` makes the certificate to call with, and so does \`npm start\`; ` +
        "--credentials says where another one is",
    ),
  );
});

test("says which of the settings is wrong", async () => {
  const folder = join(temporaryFolder(), "mine");
  mkdirSync(folder);
  const problem = `${join(folder, "ca.crt")} does not exist: \`bookmesh certs issue operator --out ${folder}\` makes them`;

  await expect(openAccess({ data: "", credentials: folder }, {})).rejects.toThrow(BadSettings);
  await expect(openAccess({ data: "", credentials: folder }, {})).rejects.toThrow(`--credentials: ${problem}`);
  await expect(openAccess({ data: "" }, { CREDENTIALS_DIR: folder })).rejects.toThrow(`CREDENTIALS_DIR: ${problem}`);
});

test("ends with 69 without a certificate and with 64 for a folder that has none, in one sentence", async () => {
  await using registry = await startRegistry(await meshData());
  const options = { registry: [registry.address], data: temporaryFolder() };
  const [without, wrong] = [testSurroundings(), testSurroundings()];

  expect(await status(undefined, options, without.surroundings)).toBe(69);
  expect(await status(undefined, { ...options, credentials: "nowhere" }, wrong.surroundings)).toBe(64);
  for (const { stderr } of [without, wrong])
    expect(stderr().trim().split("\n")).toEqual([expect.stringContaining("does not exist")]);
});

test("does not ask with a certificate that has expired", async () => {
  const data = temporaryFolder();
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  await new MeshAuthority(data, () => yesterday).tend({ names: ["operator"] });

  await expect(openCredentials({ data }, {})).rejects.toThrow(/tls\.crt has expired at .*`bookmesh certs issue operator` makes/);
});
