import type { Registry } from "prom-client";
import { dummyClient, raises } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, methodOf, rejection } from "../../test/support/four-kinds.ts";

test.each(endings)("counts a $kind call that $ending once, by its status", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);
  await dummy.logs.find({ msg: "call finished" });

  expect(await samples(dummy.metrics, "grpc_server_handled_total")).toEqual([
    { value: 1, labels: expect.objectContaining({ grpc_service: "bookmesh.testing.v1.EchoService", grpc_code: status }) },
  ]);
});

test.each(endings)("no longer counts a $kind call as in flight once it $ending", async ({ play }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);
  await dummy.logs.find({ msg: "call finished" });

  expect(await samples(dummy.metrics, "grpc_server_in_flight")).toMatchObject([{ value: 0 }]);
});

test.each(kinds)("counts a %s call as in flight while its handler works", async (kind) => {
  const inFlight: unknown[] = [];
  const look = async (text: string) => {
    inFlight.push(await samples(dummy.metrics, "grpc_server_in_flight"));
    return text;
  };
  await using dummy = await dummyClient({ look });

  await call(dummy.client, kind, "look");

  expect(inFlight).toMatchObject([[{ value: 1, labels: { grpc_method: methodOf(kind) } }]]);
});

test.each(kinds)("measures how long a %s call took", async (kind) => {
  await using dummy = await dummyClient();

  await call(dummy.client, kind, "hello");

  const series = await samples(dummy.metrics, "grpc_server_handling_seconds");
  const value = (name: string) => series.find(({ metricName }) => metricName === `grpc_server_handling_seconds_${name}`)?.value;
  expect(value("count")).toBe(1);
  expect(value("sum")).toBeGreaterThan(0);
  expect(value("sum")).toBeLessThan(10);
});

test("counts what never reached a handler", async () => {
  await using dummy = await dummyClient();

  await rejection(dummy.client.unary({ copies: -1 }));

  expect(await samples(dummy.metrics, "grpc_server_handled_total")).toMatchObject([
    { value: 1, labels: { grpc_code: "INVALID_ARGUMENT" } },
  ]);
  expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
});

test("tells errors apart by their status", async () => {
  await using dummy = await dummyClient({ ...endingCases, bug: raises(new Error("bug")) });

  for (const text of ["hello", "hello", "fail", "bug"]) await call(dummy.client, "unary", text).catch(() => {});

  const counted = (await samples(dummy.metrics, "grpc_server_handled_total")).map(({ labels, value }) => [
    labels.grpc_code,
    value,
  ]);
  expect(counted).toEqual([
    ["OK", 2],
    ["NOT_FOUND", 1],
    ["INTERNAL", 1],
  ]);
});

async function samples(metrics: Registry, name: string) {
  const { values } = (await metrics.getSingleMetric(name)?.get()) ?? { values: [] };
  // Copies: the registry goes on counting in its own.
  return values.map((value) => ({ ...value })) as { value: number; labels: Record<string, string>; metricName?: string }[];
}
