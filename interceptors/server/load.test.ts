import { Metadata } from "nice-grpc";
import { Failure } from "../../runtime/errors.ts";
import { dummyClient, raises } from "../../test/support/dummy-client.ts";
import { call, kinds, rejection } from "../../test/support/four-kinds.ts";
import { CALLER_HEADER } from "../../test/support/plaintext.ts";

test.each(kinds)("counts a %s call for the service that made it", async (kind) => {
  await using dummy = await dummyClient();

  await call(dummy.client, kind, "hello", { metadata: Metadata().set(CALLER_HEADER, "marketplace") });
  await dummy.logs.find({ msg: "call finished" });

  const { calls, callsInFlight } = dummy.server.takeLoad();
  expect(callsInFlight).toBe(0);
  expect(calls).toMatchObject([{ caller: "marketplace", ended: 1n, failed: 0n }]);
  expect(calls[0]?.latencyCounts.reduce((sum, count) => sum + count)).toBe(1n);
});

test("takes what the server failed for a failure, and what the caller did wrong for none", async () => {
  await using dummy = await dummyClient({
    "not there": raises(new Failure("not-found", "not there")),
    bug: raises(new Error("bug")),
  });

  await rejection(dummy.client.unary({ text: "not there" }));
  await rejection(dummy.client.unary({ text: "bug" }));

  expect(dummy.server.takeLoad().calls).toMatchObject([{ ended: 2n, failed: 1n }]);
});

test("begins anew after each report", async () => {
  await using dummy = await dummyClient();
  await dummy.client.unary({ text: "hello" });
  dummy.server.takeLoad();

  expect(dummy.server.takeLoad().calls).toEqual([]);
});

test("says how many calls are in flight", async () => {
  const done = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  await using dummy = await dummyClient({
    wait: () => {
      begun.resolve();
      return done.promise;
    },
  });
  const answer = dummy.client.unary({ text: "wait" });
  await begun.promise;

  expect(dummy.server.takeLoad().callsInFlight).toBe(1);

  done.resolve("done");
  await answer;
  expect(dummy.server.takeLoad().callsInFlight).toBe(0);
});

test("gives no more names than a hundred when there are more callers", async () => {
  await using dummy = await dummyClient();

  for (let i = 0; i < 150; i++) {
    await dummy.client.unary({ text: "hello" }, { metadata: Metadata().set(CALLER_HEADER, `a${i}`) });
  }

  const { calls } = dummy.server.takeLoad();
  expect(calls).toHaveLength(101);
  expect(calls.find(({ caller }) => caller === "others")).toMatchObject({ ended: 50n });
});
