import { ChannelCredentials } from "@grpc/grpc-js";
import { jest } from "@jest/globals";
import { methodContract } from "../runtime/contracts.ts";
import { ANY_OTHER, meshContracts } from "../tools/authorization-document.ts";
import { serversOf } from "../tools/servers.ts";
import { callAny } from "./support/any-call.ts";
import {
  allowedIn,
  carrying,
  inWords,
  type Row,
  requestAbout,
  rows,
  startTriedMesh,
  type TriedMesh,
} from "./support/authorization.ts";
import { type RunningService, SERVED_BY_ALL } from "./support/every-service.ts";
import { TestAuthority } from "./support/test-authority.ts";

const HOUR_MS = 3_600_000;
/** What stands for the column "any other": an identity of which no contract speaks. */
const NOBODY = "nobody";
/** No message of protobuf: whoever looks at it finds it broken. */
const BROKEN = Uint8Array.of(0xff);

let mesh: TriedMesh;
let strangers: TestAuthority;
beforeAll(async () => {
  mesh = await startTriedMesh();
  strangers = await TestAuthority.create();
}, 60_000);
afterAll(async () => {
  await mesh[Symbol.asyncDispose]();
  await strangers[Symbol.asyncDispose]();
});

/** Tries one cell. @returns what has to stand in it, or what has happened instead. */
async function tryCell(server: RunningService, { contract, cells }: Row, column: string): Promise<string> {
  const caller = column === ANY_OTHER ? NOBODY : column;
  const client = await mesh.clientOf(server, caller);
  const metadata = carrying(mesh.users.tokenOf("1", { administrator: true }));
  if (cells[column] === "✓") {
    const outcome = await callAny(client, contract, { metadata, request: requestAbout(contract, await mesh.newUser()) });
    return inWords(outcome) === "passed" ? "✓" : inWords(outcome);
  }
  // Refused without a look at what is sent, and on a stream without anything being sent.
  const outcome = await callAny(client, contract, { metadata, request: BROKEN, silent: true });
  const { status, reason, metadata: details } = outcome;
  const expected = { rule: "mesh.policy.v1.method.callers", method: contract.path, caller };
  const isRefused = status === "PERMISSION_DENIED" && reason === "CALLER_NOT_ALLOWED";
  return isRefused && JSON.stringify(details) === JSON.stringify(expected) ? "–" : inWords(outcome);
}

function mayCall(row: Row): string {
  const allowed = allowedIn(row);
  if (allowed.length === Object.keys(row.cells).length) return "every identity of the mesh";
  const names = allowed.length < 2 ? allowed.join("") : `${allowed.slice(0, -1).join(", ")} and ${allowed.at(-1)}`;
  return `${names || "nobody"}, and no other`;
}

test("the page has a row for every method of every server, and these are all the servers", () => {
  const served = new Set(mesh.services.flatMap(({ serves }) => serves));

  expect([...served].toSorted()).toEqual([...new Set(meshContracts.map(({ service }) => service))].toSorted());
  expect(rows.map(({ contract }) => contract.path).toSorted()).toEqual(meshContracts.map(({ path }) => path).toSorted());
  expect(meshContracts.flatMap(({ callers }) => callers)).not.toContain(NOBODY);
});

test.each(rows.map((row) => [row.contract.path, mayCall(row), row] as const))("%s is for %s", async (_path, _callers, row) => {
  const servers = mesh.serversOf(row.contract);
  const { service } = row.contract;
  const expected = SERVED_BY_ALL.includes(service) ? mesh.services.map(({ name }) => name) : serversOf(service);
  expect(servers.map(({ name }) => name).toSorted()).toEqual(expected.toSorted());
  for (const server of servers) {
    const cells = Object.keys(row.cells).map(async (column) => [column, await tryCell(server, row, column)]);

    expect({ server: server.name, ...Object.fromEntries(await Promise.all(cells)) }).toEqual({
      server: server.name,
      ...row.cells,
    });
  }
});

/** Calls every method of every server with such credentials. @returns what was said by whom. */
async function tryEverything(who: string, make?: () => Promise<ChannelCredentials>): Promise<{ by: string; said: string }[]> {
  const answers = mesh.services.map(async (server) => {
    const client = await mesh.clientOf(server, who, make);
    const methods = meshContracts.filter(({ service }) => server.serves.includes(service));
    return Promise.all(
      methods.map(async (contract) => {
        const outcome = await callAny(client, contract, { request: BROKEN, silent: true });
        return { by: `${server.name} ${contract.path}`, said: inWords(outcome) };
      }),
    );
  });
  return (await Promise.all(answers)).flat();
}

/** The credentials of a client with another certificate, or without one. */
function withCertificate(leaf?: { certificatePem: string; keyPem: string }): ChannelCredentials {
  const root = Buffer.from(mesh.authority.root.certificatePem);
  if (leaf === undefined) return ChannelCredentials.createSsl(root);
  return ChannelCredentials.createSsl(root, Buffer.from(leaf.keyPem), Buffer.from(leaf.certificatePem));
}

const BOTH = ["spiffe://bookmesh.local/gateway", "spiffe://bookmesh.local/operator"];

test.each<[string, () => Promise<ChannelCredentials>]>([
  ["a certificate that names no identity", async () => withCertificate(await mesh.authority.issue("gateway", { uris: [] }))],
  ["a certificate that names two", async () => withCertificate(await mesh.authority.issue("gateway", { uris: BOTH }))],
  [
    "a name of another trust domain",
    async () => withCertificate(await mesh.authority.issue("gateway", { trustDomain: "elsewhere.example" })),
  ],
])("whoever has %s is nobody to every method of every server", async (who, make) => {
  const answers = await tryEverything(who, make);

  expect(answers.length).toBeGreaterThan(meshContracts.length);
  expect(answers.filter(({ said }) => said !== "UNAUTHENTICATED CALLER_UNKNOWN")).toEqual([]);
  const audited = mesh.services.flatMap(({ logs }) => logs.with({ msg: "call refused", audit: true, reason: "CALLER_UNKNOWN" }));
  expect(audited.length).toBeGreaterThanOrEqual(answers.length);
});

const EXPIRED = { notBefore: new Date(Date.now() - 2 * HOUR_MS), notAfter: new Date(Date.now() - HOUR_MS) };

test.each<[string, string, () => Promise<ChannelCredentials>]>([
  ["an expired certificate", "CERTIFICATE_EXPIRED", async () => withCertificate(await mesh.authority.issue("gateway", EXPIRED))],
  ["a certificate of another root", "CERTIFICATE_OF_A_STRANGER", async () => withCertificate(await strangers.issue("gateway"))],
  ["no certificate", "NO_CERTIFICATE", async () => withCertificate()],
  ["no TLS", "NOT_TLS", async () => ChannelCredentials.createInsecure()],
])("whoever has %s reaches no method of any server, which each say why: %s", async (who, reason, make) => {
  const answers = await tryEverything(who, make);

  expect(answers.length).toBeGreaterThan(meshContracts.length);
  expect(answers.filter(({ said }) => said !== "UNAVAILABLE")).toEqual([]);
  for (const { logs } of mesh.services) await logs.find({ msg: "connection refused", audit: true, reason });
});

test("whose certificate expires while the connection is open is refused by every method of every server", async () => {
  const check = methodContract("/grpc.health.v1.Health/Check");
  const opened = mesh.services.map(async (server) => (await callAny(await mesh.clientOf(server, "operator"), check)).status);
  expect(new Set(await Promise.all(opened))).toEqual(new Set(["OK"]));
  const now = Date.now;
  const later = jest.spyOn(Date, "now").mockImplementation(() => now() + 2 * HOUR_MS);
  const answers = await tryEverything("operator").finally(() => later.mockRestore());

  expect(answers.length).toBeGreaterThan(meshContracts.length);
  expect(answers.filter(({ said }) => said !== "UNAUTHENTICATED CALLER_EXPIRED")).toEqual([]);
});
