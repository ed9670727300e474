import { createChannel, ServerError, Status } from "nice-grpc";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { Failure, type FailureKind, failureKinds } from "../../runtime/errors.ts";
import { dummyClient, raises } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, pathOf, rejection } from "../../test/support/four-kinds.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";
import { clientFactory } from "../client/chain.ts";

const statusOfKind: Record<FailureKind, Status> = {
  invalid: Status.INVALID_ARGUMENT,
  "out-of-range": Status.OUT_OF_RANGE,
  unauthenticated: Status.UNAUTHENTICATED,
  denied: Status.PERMISSION_DENIED,
  "not-found": Status.NOT_FOUND,
  conflict: Status.ALREADY_EXISTS,
  "failed-precondition": Status.FAILED_PRECONDITION,
  aborted: Status.ABORTED,
  exhausted: Status.RESOURCE_EXHAUSTED,
  unimplemented: Status.UNIMPLEMENTED,
  unavailable: Status.UNAVAILABLE,
  "deadline-exceeded": Status.DEADLINE_EXCEEDED,
};

test.each(endings)("reports no unexpected error for a $kind call that $ending", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
  await dummy.logs.find({ msg: "handled" });
  expect(dummy.logs.with({ msg: "unexpected error in handler" })).toEqual([]);
});

test.each(failureKinds)('gives a failure of the kind "%s" its status, and keeps its message', async (kind) => {
  await using dummy = await dummyClient({ fail: raises(new Failure(kind, "as the domain says")) });

  const error = await rejection(dummy.client.unary({ text: "fail" }));

  expect(error).toMatchObject({ code: statusOfKind[kind], details: "as the domain says" });
});

test.each(kinds)("sends all that a failure of a %s call tells", async (kind) => {
  const told = {
    reason: "OUT_OF_STOCK",
    metadata: { isbn: "9780000000001" },
    violations: [{ field: "quantity", description: "must be at most 3" }],
    retryAfterMs: 1_500,
  };
  await using dummy = await dummyClient({ fail: raises(new Failure("exhausted", "none left", told)) });

  const error = await rejection(call(dummy.client, kind, "fail"));

  expect(error).toMatchObject({ code: Status.RESOURCE_EXHAUSTED, details: "none left", ...told });
});

test.each(kinds)("says nothing of a bug to the caller of a %s call, and everything to the log", async (kind) => {
  const bug = new TypeError("no column users.password_hash");
  await using dummy = await dummyClient({ bug: raises(bug) });

  const error = await rejection(call(dummy.client, kind, "bug"));

  expect(error).toMatchObject({ code: Status.INTERNAL, details: "internal error", reason: undefined, metadata: {} });
  expect(dummy.logs.with({ msg: "unexpected error in handler" })).toMatchObject([
    { level: 50, path: pathOf(kind), err: { type: "TypeError", message: bug.message, stack: bug.stack } },
  ]);
});

test.each([
  ["a string", "a secret"],
  ["null", null],
  ["undefined", undefined],
  ["an AbortError that is not of this call", Object.assign(new Error("a secret"), { name: "AbortError" })],
])("takes %s that is thrown for a bug too", async (_name, thrown) => {
  await using dummy = await dummyClient({ bug: raises(thrown) });

  await expect(dummy.client.unary({ text: "bug" })).rejects.toMatchObject({ code: Status.INTERNAL, details: "internal error" });
  expect(dummy.logs.with({ msg: "unexpected error in handler" })).toHaveLength(1);
});

test("leaves a status alone that was chosen on purpose", async () => {
  await using dummy = await dummyClient({ fail: raises(new ServerError(Status.DATA_LOSS, "the page is gone")) });

  await expect(dummy.client.unary({ text: "fail" })).rejects.toMatchObject({
    code: Status.DATA_LOSS,
    details: "the page is gone",
  });
});

test.each([
  ["a refused connection", { code: "ECONNREFUSED" }],
  ["a full PostgreSQL server", { code: "53300" }],
  ["a PostgreSQL server that stops", { code: "57P01" }],
  ["a locked SQLite file", { code: "ERR_SQLITE_ERROR", errcode: 5 }],
])("answers UNAVAILABLE when a handler meets %s", async (_name, properties) => {
  await using dummy = await dummyClient({ store: raises(Object.assign(new Error("10.0.0.7:5432"), properties)) });

  await expect(dummy.client.unary({ text: "store" })).rejects.toMatchObject({
    code: Status.UNAVAILABLE,
    details: "the store cannot be reached",
  });
  expect(dummy.logs.with({ msg: "the store cannot be reached" })).toHaveLength(1);
});

test.each(kinds)("answers UNAVAILABLE when a %s handler calls a server that nobody finds", async (kind) => {
  await using dummy = await dummyClient({ ask: async () => (await further.unary({ text: "hello" })).text });
  const nowhere = createChannel("127.0.0.1:1");
  const further = clientFactory(dummy).create(EchoServiceDefinition, nowhere);

  const error = await rejection(call(dummy.client, kind, "ask"));

  nowhere.close();
  expect(error).toMatchObject({ code: Status.UNAVAILABLE, details: "bookmesh.testing.v1.EchoService did not answer" });
});

test("passes on that a server further on had no time or no room", async () => {
  await using last = await dummyClient({
    slow: raises(new Failure("deadline-exceeded", "of its own")),
    busy: raises(new Failure("exhausted", "of its own")),
  });
  const ask = async (text: string) => (await call(last.client, "unary", text))[0] ?? "";
  await using first = await dummyClient({ slow: ask, busy: ask });

  await expect(first.client.unary({ text: "slow" })).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
  await expect(first.client.unary({ text: "busy" })).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
});

test("takes any other failure of a call further on for a bug", async () => {
  await using last = await dummyClient({ fail: raises(new Failure("denied", "not for you")) });
  await using first = await dummyClient({ fail: async (text) => (await call(last.client, "unary", text))[0] ?? "" });

  await expect(first.client.unary({ text: "fail" })).rejects.toMatchObject({
    code: Status.INTERNAL,
    details: "internal error",
  });
});

test.each(kinds)("ends a %s call whose bytes are no message with INTERNAL, logged and counted once", async (kind) => {
  await using dummy = await dummyClient();

  const answer = await rawCall({ port: dummy.port, path: pathOf(kind), body: [frame(Buffer.from([0xff, 0xff, 0xff]))] });

  expect(answer.status).toBe(Status.INTERNAL);
  expect(answer.message).not.toMatch(/index|offset|wire/);
  expect(dummy.logs.with({ msg: "call finished" })).toMatchObject([{ path: pathOf(kind), status: "INTERNAL" }]);
  expect((await dummy.metrics.getSingleMetric("grpc_server_handled_total")?.get())?.values).toMatchObject([
    { value: 1, labels: { grpc_code: "INTERNAL" } },
  ]);
});
