import { createClient } from "nice-grpc";
import { HealthDefinition } from "../../gen/health/v1/health.ts";
import { dummyClient, raises } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, pathOf, rejection } from "../../test/support/four-kinds.ts";

test.each(endings)("writes one line for a $kind call that $ending", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);

  const line = await dummy.logs.find({ msg: "call finished" });
  expect(line).toMatchObject({
    level: 30,
    status,
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    durationMs: expect.any(Number),
  });
  await dummy.logs.find({ msg: "handled" });
  expect(dummy.logs.with({ msg: "call finished" })).toHaveLength(1);
});

test.each(kinds)("names the method, the trace and the span of a %s call", async (kind) => {
  await using dummy = await dummyClient();

  await call(dummy.client, kind, "hello");

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({
    path: pathOf(kind),
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});

test.each(kinds)("writes at level error that a %s call failed by the server's fault", async (kind) => {
  await using dummy = await dummyClient({ bug: raises(new TypeError("x is undefined")) });

  await rejection(call(dummy.client, kind, "bug"));

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ level: 50, status: "INTERNAL" });
});

test.each(kinds)("never writes what a %s call said", async (kind) => {
  await using dummy = await dummyClient();

  await call(dummy.client, kind, "my-password");
  await rejection(call(dummy.client, kind, { text: "my-password".repeat(300) }));

  expect(dummy.logs.with({ msg: "call finished" })).toHaveLength(2);
  expect(JSON.stringify(dummy.logs.all)).not.toContain("my-password");
});

test("writes health checks at level debug only", async () => {
  await using dummy = await dummyClient();

  await createClient(HealthDefinition, dummy.channel).check({ service: "" });

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ level: 20, path: "/grpc.health.v1.Health/Check" });
});
