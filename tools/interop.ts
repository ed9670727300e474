// `npm run docs:interop`: runs the interoperability cases with every client over every transport, and writes down what came of them.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PythonClient } from "../test/integration/interop/python-client.ts";
import { requirements } from "../test/integration/requirements.ts";
import { type CaseName, caseNames } from "../test/interop/cases.ts";
import { runWithGrpcJs } from "../test/interop/grpc-js-client.ts";
import { type Run, runs, table } from "../test/interop/report.ts";
import { type InteropServer, startInteropServer } from "../test/interop/server.ts";

const python = requirements().find(({ name }) => name.startsWith("Python"));
if (python?.met === false) {
  process.stderr.write(`${python.name} are needed: ${python.how}\n`);
  process.exit(1);
}

const passed = new Set<string>();
const keyOf = (name: CaseName, { client, transport }: Run) => `${name} ${client} ${transport}`;
const problems: string[] = [];
let pythonVersion = "";

for (const run of runs) {
  await using server = await startInteropServer(run.transport);
  await using client = run.client === "Python" ? await PythonClient.open(server) : undefined;
  pythonVersion = client?.version ?? pythonVersion;
  for (const name of caseNames) {
    const problem = client === undefined ? await runAndCatch(name, server) : await client.run(name);
    if (problem === undefined) passed.add(keyOf(name, run));
    else problems.push(`${keyOf(name, run)}: ${problem}`);
  }
}

const document = `# Interoperability

Servers of the mesh speak gRPC with everybody who speaks it. To show that, the
[interoperability cases of gRPC](https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md)
are served by a test server behind the whole chain of interceptors that every service has, and called by two
clients that know nothing of the mesh, in plaintext and by mutual TLS.

\`npm run docs:interop\` has run them all and written this page. \`npm test\` runs those of grpc-js again,
\`npm run test:integration\` those of Python.

- Server: Node ${process.versions.node}, grpc-js ${versionOf("@grpc/grpc-js")}, nice-grpc ${versionOf("nice-grpc")}.
- grpc-js: the client of \`@grpc/grpc-js\` ${versionOf("@grpc/grpc-js")}, without nice-grpc.
- Python: the client of grpcio ${pythonVersion}, which is C-core.

${table((name, run) => passed.has(keyOf(name, run)))}
Cases that are not in the table need what is not here: \`server_compressed_unary\` and \`server_compressed_streaming\`
a server that compresses, which grpc-js has not; \`cacheable_unary\` a caching proxy; those about credentials Google's cloud.
`;
writeFileSync(fileURLToPath(new URL("../docs/interop.md", import.meta.url)), document);
process.stdout.write(`${passed.size} passed, ${problems.length} failed\n${problems.map((problem) => `${problem}\n`).join("")}`);
process.exit(problems.length === 0 ? 0 : 1);

async function runAndCatch(name: CaseName, server: InteropServer): Promise<string | undefined> {
  try {
    await runWithGrpcJs(name, server);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function versionOf(name: string): string {
  return JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), "utf8")).version;
}
