import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { jest } from "@jest/globals";
import { createClient, Status } from "nice-grpc";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { HealthDefinition, HealthCheckResponse_ServingStatus as Serving } from "../../gen/health/v1/health.ts";
import { ContractError } from "../../runtime/contracts.ts";
import { type DummyOptions, dummyClient, raises } from "../../test/support/dummy-client.ts";
import { call, endingCases, type Kind, kinds, type Question, rejection } from "../../test/support/four-kinds.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";
import type { CallFailure } from "../client/failure-details.ts";

/** One call for each link that can end it. */
const outcomes: { by: string; question: Question; status: string; options?: DummyOptions }[] = [
  { by: "the handler's answer", question: "hello", status: "OK" },
  { by: "a failure of the handler", question: "fail", status: "NOT_FOUND" },
  { by: "a bug in the handler", question: "bug", status: "INTERNAL" },
  { by: "validation", question: { copies: -1 }, status: "INVALID_ARGUMENT" },
  { by: "the limit of its size", question: "x".repeat(5_000), status: "RESOURCE_EXHAUSTED" },
  { by: "admission", question: "hello", status: "RESOURCE_EXHAUSTED", options: { maxCallsInFlight: 0, maxOpenStreams: 0 } },
];
const table = kinds.flatMap((kind) => outcomes.map((outcome) => ({ kind, ...outcome })));

test.each(table)("logs and counts a $kind call that is ended by $by as its caller sees it", async (row) => {
  await using dummy = await dummyClient({ ...endingCases, bug: raises(new Error("bug")) }, row.options);

  const seen = await statusSeen(call(dummy.client, row.kind, row.question));

  expect(seen).toBe(row.status);
  expect(dummy.logs.with({ msg: "call finished" })).toMatchObject([
    { status: seen, trace_id: expect.stringMatching(/^\w{32}$/) },
  ]);
  const { values = [] } = (await dummy.metrics.getSingleMetric("grpc_server_handled_total")?.get()) ?? {};
  expect(values).toMatchObject([{ value: 1, labels: { grpc_code: seen } }]);
});

test.each(kinds)("logs and counts a %s call that ran out of time as its caller sees it", async (kind: Kind) => {
  await using dummy = await dummyClient(endingCases);

  expect(await statusSeen(call(dummy.hurried, kind, "hang"))).toBe("DEADLINE_EXCEEDED");

  expect(dummy.logs.with({ msg: "call finished" })).toMatchObject([{ status: "DEADLINE_EXCEEDED" }]);
});

test("refuses for its size first what is both too large and wrong", async () => {
  await using dummy = await dummyClient();

  const error = await rejection(dummy.client.unary({ text: "x".repeat(5_000), copies: -1 }));

  expect(error).toMatchObject({ reason: "REQUEST_TOO_LARGE" });
});

test("looks at no message when there is no room for the call", async () => {
  await using dummy = await dummyClient({}, { maxCallsInFlight: 0 });

  const error = await rejection(dummy.client.unary({ copies: -1 }));

  expect(error).toMatchObject({ reason: "OVERLOADED" });
});

test("serves health for every server", async () => {
  await using dummy = await dummyClient();
  const health = createClient(HealthDefinition, dummy.channel);

  expect(await health.check({ service: EchoServiceDefinition.fullName })).toEqual({ status: Serving.SERVING });
});

test("answers UNIMPLEMENTED for what it does not serve", async () => {
  await using dummy = await dummyClient();

  const answer = await rawCall({
    port: dummy.port,
    path: "/bookmesh.testing.v1.EchoService/Nothing",
    body: [frame(Buffer.alloc(0))],
  });

  expect(answer.status).toBe(Status.UNIMPLEMENTED);
});

test("refuses a service that has no contract", async () => {
  await using dummy = await dummyClient();
  const unknown = { ...EchoServiceDefinition, fullName: "bookmesh.testing.v1.NoSuchService" };

  expect(() => dummy.server.add(unknown, {} as never)).toThrow(ContractError);
});

test("cannot listen on a port that is taken", async () => {
  // grpc-js says on standard error what it throws too.
  setLogVerbosity(logVerbosity.NONE);
  await using dummy = await dummyClient();

  await expect(dummyClient({}, { port: dummy.port })).rejects.toThrow(/EADDRINUSE/);
});

/** The name of the status that a caller sees. */
async function statusSeen(answer: Promise<unknown>): Promise<string | undefined> {
  try {
    await answer;
    return "OK";
  } catch (error) {
    return Status[(error as CallFailure).code];
  }
}

test("writes no header of a caller to standard error, however grpc-js dislikes it", async () => {
  setLogVerbosity(logVerbosity.ERROR);
  await using dummy = await dummyClient();
  const written = jest.spyOn(console, "error").mockImplementation(() => {});

  await rawCall({
    port: dummy.port,
    path: "/bookmesh.testing.v1.EchoService/Unary",
    headers: { authorization: "Bearer s3cr3t\u00e9" },
  });

  expect(written).not.toHaveBeenCalled();
  written.mockRestore();
});
