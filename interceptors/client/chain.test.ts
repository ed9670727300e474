import { createChannel, Status } from "nice-grpc";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, rejection } from "../../test/support/four-kinds.ts";
import { listenOnWire } from "../../test/support/wire.ts";
import { clientFactory } from "./chain.ts";

test.each(endings)("lets a $kind call through that $ending", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
});

test.each(kinds)("sends deadline and trace with every %s call", async (kind) => {
  await using wire = await listenOnWire();
  await using dummy = await dummyClient();
  const channel = createChannel(`127.0.0.1:${wire.port}`);

  await rejection(call(clientFactory(dummy).create(EchoServiceDefinition, channel), kind, "hello"));

  channel.close();
  expect(wire.headers).toMatchObject([
    { "grpc-timeout": expect.stringMatching(/^\d+m$/), traceparent: expect.stringMatching(/^00-/) },
  ]);
});

test.each(kinds)("logs the deadline of a %s call as its caller sees it, not as the abort that it is inside", async (kind) => {
  await using dummy = await dummyClient(endingCases);

  const error = await rejection(call(dummy.client, kind, "hang", { deadlineMs: 30 }));

  expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
  expect(dummy.logs.with({ msg: "outgoing call failed" })).toMatchObject([{ status: "DEADLINE_EXCEEDED" }]);
});
