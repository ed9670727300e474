import { Status } from "nice-grpc";
import { Failure } from "../../runtime/errors.ts";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, pathOf, rejection } from "../../test/support/four-kinds.ts";
import type { ServerCall } from "./server-call.ts";
import { terminator } from "./terminator.ts";

const streamingKinds = kinds.filter((kind) => kind !== "unary");

test.each(endings)("holds nothing up for a $kind call that $ending", async ({ play }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);
  await dummy.logs.find({ msg: "call finished" });

  await dummy.server.drain();
  expect(dummy.server.forceShutdown()).toEqual([]);
});

test.each(streamingKinds)("ends a %s call when the server stops", async (kind) => {
  await using dummy = await dummyClient(endingCases);
  const outcome = rejection(call(dummy.client, kind, "hang"));
  await dummy.logs.find({ msg: "handling" });

  await dummy.server.drain();

  expect(await outcome).toMatchObject({ code: Status.UNAVAILABLE, details: "the server is shutting down" });
  await dummy.logs.find({ msg: "handled" });
  expect(dummy.logs.with({ msg: "call finished" })).toMatchObject([{ status: "UNAVAILABLE" }]);
});

test("lets a unary call finish when the server stops", async () => {
  const work = Promise.withResolvers<string>();
  await using dummy = await dummyClient({ work: () => work.promise });
  const outcome = call(dummy.client, "unary", "work");
  await dummy.logs.find({ msg: "handling" });

  const drained = dummy.server.drain();
  work.resolve("done");

  await expect(outcome).resolves.toEqual(["done"]);
  await drained;
});

test.each(kinds)("cuts a %s call that a stop does not wait for any longer", async (kind) => {
  await using dummy = await dummyClient(endingCases);
  const outcome = rejection(call(dummy.client, kind, "hang"));
  await dummy.logs.find({ msg: "handling" });

  expect(dummy.server.forceShutdown()).toEqual([pathOf(kind)]);

  expect(await outcome).toMatchObject({ code: Status.UNAVAILABLE, details: "the server is shutting down" });
  await dummy.logs.find({ msg: "handled" });
});

test("has drained once the last call is cut", async () => {
  await using dummy = await dummyClient(endingCases);
  const outcome = rejection(call(dummy.client, "unary", "hang"));
  await dummy.logs.find({ msg: "handling" });
  const drained = dummy.server.drain();

  dummy.server.forceShutdown();

  await drained;
  expect(await outcome).toMatchObject({ code: Status.UNAVAILABLE });
});

test("refuses streams that come while the others are ended, and takes unary calls", () => {
  const { start, endStreams } = terminator();
  endStreams();

  expect(() => start?.(callOf("server_streaming"))).toThrow(new Failure("unavailable", "the server is shutting down"));
  expect(() => start?.(callOf("unary"))).not.toThrow();
});

function callOf(kind: ServerCall["contract"]["kind"]): ServerCall {
  return { contract: { kind } } as ServerCall;
}
