import { caseNames } from "../interop/cases.ts";
import { type InteropServer, startInteropServer } from "../interop/server.ts";
import { transportNames } from "../interop/transports.ts";
import { PythonClient } from "./interop/python-client.ts";

describe.each(transportNames)("over %s", (transport) => {
  let server: InteropServer;
  let client: PythonClient;
  beforeAll(async () => {
    server = await startInteropServer(transport);
    client = await PythonClient.open(server);
  }, 60_000);
  afterAll(async () => {
    await client[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test.each(caseNames)("a client of C-core passes %s", async (name) => {
    expect(await client.run(name)).toBeUndefined();
  });

  test("a client of C-core runs every case that is documented and no other", () => {
    expect(client.cases).toEqual(caseNames);
  });
});
