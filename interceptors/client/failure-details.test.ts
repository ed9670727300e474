import { isAbortError } from "abort-controller-x";
import { createChannel, type Metadata, ServerError, Status } from "nice-grpc";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { Failure } from "../../runtime/errors.ts";
import { dummyClient, raises } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, pathOf, rejection } from "../../test/support/four-kinds.ts";
import { listenOnWire } from "../../test/support/wire.ts";
import { clientFactory } from "./chain.ts";
import { CallFailure } from "./failure-details.ts";

test.each(endings)("changes nothing about how a $kind call $ending", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
});

test.each(kinds)("reads everything that the status of a %s call carries", async (kind) => {
  const told = {
    reason: "TAKEN",
    metadata: { slug: "dune" },
    violations: [{ field: "slug", description: "must be free" }],
    retryAfterMs: 2_250,
  };
  await using dummy = await dummyClient({ fail: raises(new Failure("conflict", "taken", told)) });

  const error = await rejection(call(dummy.client, kind, "fail"));

  expect(error).toBeInstanceOf(CallFailure);
  expect(error).toMatchObject({ path: pathOf(kind), code: Status.ALREADY_EXISTS, details: "taken", ...told });
});

test.each(kinds)("knows nothing more of a %s call whose status carries nothing more", async (kind) => {
  await using dummy = await dummyClient({ fail: raises(new ServerError(Status.ABORTED, "again")) });

  const error = await rejection(call(dummy.client, kind, "fail"));

  expect(error).toMatchObject({ reason: undefined, metadata: {}, violations: [], retryAfterMs: undefined });
});

test("leaves an abort an abort", async () => {
  await using dummy = await dummyClient(endingCases);

  const error = await rejection(dummy.client.unary({ text: "hang" }, { signal: AbortSignal.abort() }));

  expect(isAbortError(error)).toBe(true);
});

test("still hands the trailer to who asked for it", async () => {
  await using dummy = await dummyClient(endingCases);
  const trailers: Metadata[] = [];

  await dummy.client.unary({ text: "hello" }, { onTrailer: (trailer) => trailers.push(trailer) });
  await rejection(dummy.client.unary({ text: "fail" }, { onTrailer: (trailer) => trailers.push(trailer) }));

  expect(trailers).toHaveLength(2);
});

test("reports the status even if its details are not what they claim to be", async () => {
  await using wire = await listenOnWire((stream) =>
    stream.respond(
      {
        ":status": 200,
        "content-type": "application/grpc",
        "grpc-status": String(Status.NOT_FOUND),
        "grpc-message": "no such book",
        "grpc-status-details-bin": Buffer.from([0xff, 0xff]).toString("base64"),
      },
      { endStream: true },
    ),
  );
  await using dummy = await dummyClient();
  const channel = createChannel(`127.0.0.1:${wire.port}`);
  const client = clientFactory(dummy).create(EchoServiceDefinition, channel);

  const error = await rejection(client.unary({ text: "hello" }));

  channel.close();
  expect(error).toMatchObject({ code: Status.NOT_FOUND, details: "no such book", reason: undefined });
});
