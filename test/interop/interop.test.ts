import { readFileSync } from "node:fs";
import { caseNames } from "./cases.ts";
import { runWithGrpcJs } from "./grpc-js-client.ts";
import { table } from "./report.ts";
import { type InteropServer, startInteropServer } from "./server.ts";
import { transportNames } from "./transports.ts";

describe.each(transportNames)("over %s", (transport) => {
  let server: InteropServer;
  beforeAll(async () => {
    server = await startInteropServer(transport);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(caseNames)("a client of grpc-js passes %s", async (name) => {
    await runWithGrpcJs(name, server);
  });
});

test("docs/interop.md names every case that is run and no other: if not, run `npm run docs:interop`", () => {
  const document = readFileSync(new URL("../../docs/interop.md", import.meta.url), "utf8");

  expect(document.match(/^\|.*\n/gm)?.join("")).toBe(table(() => true));
});
