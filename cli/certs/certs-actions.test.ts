import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityOf } from "../../runtime/spiffe.ts";
import { temporaryFolder } from "../fixtures/processes.ts";
import { testSurroundings } from "../fixtures/surroundings.ts";
import type { Surroundings } from "../run-command.ts";
import { issueCerts, renewCerts, rollCerts, showCerts } from "./certs-actions.ts";

let data: string;
beforeEach(() => {
  data = temporaryFolder();
});

async function run(command: (surroundings: Surroundings) => Promise<number>) {
  const { surroundings, stdout, stderr } = testSurroundings();
  const status = await command(surroundings);
  return { status, stdout: stdout(), stderr: stderr() };
}

function certificate(...path: string[]): X509Certificate {
  return new X509Certificate(readFileSync(join(...path, "tls.crt")));
}

test("issues a certificate where it is renewed, and says how to call with it", async () => {
  const { status, stdout } = await run((surroundings) => issueCerts("alice", { data }, surroundings));
  const folder = join(data, "credentials", "alice");

  expect(status).toBe(0);
  expect(identityOf(certificate(folder))).toEqual({ trustDomain: "bookmesh.local", name: "alice" });
  const [made, who, where, , command] = stdout.split("\n");
  expect(made).toBe("A root certificate was made: only those trust it who get their credentials from here.");
  expect(who).toMatch(/^spiffe:\/\/bookmesh.local\/alice, until 20[-0-9]+ [0-9:]+ UTC; `bookmesh up` renews it\.$/);
  expect(where).toBe(`ca.crt, tls.crt and tls.key (secret) are in ${folder}. To call somebody with them:`);
  expect(command).toBe(
    `  grpcurl -cacert ${folder}/ca.crt -cert ${folder}/tls.crt -key ${folder}/tls.key ` +
      "127.0.0.1:50050 mesh.registry.v1.RegistryService/ListServices",
  );
});

test("issues a certificate into any folder, for as long as asked for", async () => {
  const out = join(temporaryFolder(), "for alice");
  const options = { data, out, valid: 8 * 3_600_000 };
  const { status, stdout } = await run((surroundings) => issueCerts("alice", options, surroundings));

  expect(status).toBe(0);
  const { validFromDate, validToDate } = certificate(out);
  expect(validToDate.getTime() - validFromDate.getTime()).toBe(8 * 3_600_000 + 300_000);
  expect(stdout).toContain("; nobody renews it: issue it again before that.");
  expect(stdout).toContain(`-key '${out}/tls.key'`);
});

test("renews the certificates of those who are named, or of everybody", async () => {
  for (const name of ["orders", "push"]) await run((surroundings) => issueCerts(name, { data }, surroundings));
  const serials = () => ["orders", "push"].map((name) => certificate(data, "credentials", name).serialNumber);
  const [orders, push] = serials();

  const one = await run((surroundings) => renewCerts(["orders"], { data }, surroundings));
  expect(one).toEqual({ status: 0, stdout: expect.stringMatching(/^orders: until .* UTC\n$/), stderr: "" });
  expect(serials()[0]).not.toBe(orders);
  expect(serials()[1]).toBe(push);

  const all = await run((surroundings) => renewCerts([], { data }, surroundings));
  expect(all.stdout).toMatch(/^orders: .*\npush: .*\n$/);
  expect(serials()[1]).not.toBe(push);
});

test("renews nothing for names that it does not know", async () => {
  expect(await run((surroundings) => renewCerts(["bob"], { data }, surroundings))).toEqual({
    ...{ status: 64, stdout: "" },
    stderr: "bob has no credentials: `bookmesh certs issue bob`\n",
  });
  expect((await run((surroundings) => renewCerts([], { data }, surroundings))).stdout).toBe("There are no credentials yet.\n");
});

test("rolls the root", async () => {
  await run((surroundings) => issueCerts("orders", { data }, surroundings));

  const { status, stdout } = await run((surroundings) => rollCerts({ data, settle: 0 }, surroundings));

  expect(status).toBe(0);
  expect(stdout).toContain("Root 2 has issued the certificates of orders.\n");
  const document = JSON.parse((await run((surroundings) => showCerts({ data, json: true }, surroundings))).stdout);
  expect(document).toMatchObject({
    roots: [
      { number: 1, state: "trusted" },
      { number: 2, state: "signs" },
    ],
    credentials: [{ name: "orders", issuedBy: 2, state: "good" }],
  });
});

test("says how a roll goes on that is stopped", async () => {
  await run((surroundings) => issueCerts("orders", { data }, surroundings));
  const { surroundings, stderr, stop } = testSurroundings();

  const rolling = rollCerts({ data, settle: 60_000 }, surroundings);
  stop();

  expect(await rolling).toBe(0);
  expect(stderr()).toBe("The roll is not over: `bookmesh up` goes on with it, and so does `bookmesh certs roll`.\n");
});

test("ends with 74 and a sentence when the authority is damaged", async () => {
  await run((surroundings) => issueCerts("orders", { data }, surroundings));
  const record = join(data, "authority", "1", "record.json");
  writeFileSync(record, "{");

  for (const command of [
    (surroundings: Surroundings) => showCerts({ data }, surroundings),
    (surroundings: Surroundings) => renewCerts([], { data }, surroundings),
    (surroundings: Surroundings) => rollCerts({ data }, surroundings),
  ]) {
    const { status, stderr } = await run(command);
    expect(status).toBe(74);
    expect(stderr.trim().split("\n")).toEqual([expect.stringContaining(`${record} is damaged: put it back from a backup`)]);
  }
});
