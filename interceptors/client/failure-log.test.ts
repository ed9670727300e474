import { createChannel, ServerError, Status } from "nice-grpc";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { Failure, type FailureKind } from "../../runtime/errors.ts";
import { dummyClient, raises } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, pathOf, rejection } from "../../test/support/four-kinds.ts";
import { clientFactory } from "./chain.ts";

const LINE = { msg: "outgoing call failed" };

test.each(endings)("writes nothing about a $kind call that $ending", async ({ play }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);
  await dummy.logs.find({ msg: "call finished" });

  expect(dummy.logs.with(LINE)).toEqual([]);
});

test.each(kinds)("writes one line for a %s call that the server could not answer", async (kind) => {
  await using dummy = await dummyClient({ bug: raises(new Error("bug")) });

  const error = await rejection(call(dummy.client, kind, "bug"));

  expect(error).toMatchObject({ code: Status.INTERNAL });
  expect(dummy.logs.with(LINE)).toMatchObject([{ level: 40, path: pathOf(kind), status: "INTERNAL", details: "internal error" }]);
});

test.each(kinds)("writes one line for a %s call that found no server", async (kind) => {
  await using dummy = await dummyClient();
  const nowhere = createChannel("127.0.0.1:1");

  await rejection(call(clientFactory(dummy).create(EchoServiceDefinition, nowhere), kind, "hello"));

  nowhere.close();
  expect(dummy.logs.with(LINE)).toMatchObject([{ status: "UNAVAILABLE" }]);
});

test.each(kinds)("writes one line for a %s call that ran out of time", async (kind) => {
  await using dummy = await dummyClient(endingCases);

  await rejection(call(dummy.client, kind, "hang", { deadlineMs: 30 }));

  expect(dummy.logs.with(LINE)).toMatchObject([{ status: "DEADLINE_EXCEEDED" }]);
});

test.each<FailureKind>(["invalid", "not-found", "conflict", "failed-precondition", "out-of-range", "unauthenticated", "denied"])(
  'writes nothing when the answer is a failure of the kind "%s"',
  async (kind) => {
    await using dummy = await dummyClient({ fail: raises(new Failure(kind, "no")) });

    await rejection(dummy.client.unary({ text: "fail" }));

    expect(dummy.logs.with(LINE)).toEqual([]);
  },
);

test("throws the very failure that it writes about", async () => {
  await using dummy = await dummyClient({ fail: raises(new ServerError(Status.DATA_LOSS, "the page is gone")) });

  await expect(dummy.client.unary({ text: "fail" })).rejects.toMatchObject({
    code: Status.DATA_LOSS,
    details: "the page is gone",
  });
});
