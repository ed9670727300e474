import { Status } from "nice-grpc";
import { EchoRequest, HurriedEchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { currentCall } from "../../runtime/call-context.ts";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, pathOf, rejection } from "../../test/support/four-kinds.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";
import { clientFactory } from "../client/chain.ts";

const HELLO = frame(EchoRequest.encode(EchoRequest.fromPartial({ text: "hello" })).finish());
const HANG = frame(EchoRequest.encode(EchoRequest.fromPartial({ text: "hang" })).finish());

test.each(endings)("leaves a $kind call that $ending in time alone, and no timer behind", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);
  await dummy.plain.unary({ text: "to connect" });
  dummy.logs.all.length = 0;
  const timersBefore = timers();

  await play({ ...dummy, client: dummy.plain });

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
  await dummy.logs.find({ msg: "handled" });
  // The test runner has one of its own now and then, for less than a second; that of a deadline would stay for ten.
  const patienceUntil = performance.now() + 5_000;
  while (timers() > timersBefore && performance.now() < patienceUntil) await new Promise(setImmediate);
  expect(timers()).toBeLessThanOrEqual(timersBefore);
});

test.each(kinds)("ends a %s call without a deadline at the contract's default", async (kind) => {
  await using dummy = await dummyClient(endingCases);

  const error = await rejection(call(dummy.hurried, kind, "hang"));

  expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED, details: "deadline exceeded" });
  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status: "DEADLINE_EXCEEDED" });
});

test.each(kinds)("tells the handler of a %s call that its time is over", async (kind) => {
  const aborted = Promise.withResolvers<void>();
  const inHandler = ({ signal }: { signal: AbortSignal }) => signal.addEventListener("abort", () => aborted.resolve());
  await using dummy = await dummyClient(endingCases, { inHandler });

  await rejection(call(dummy.hurried, kind, "hang"));

  await aborted.promise;
  await dummy.logs.find({ msg: "handled" });
});

test.each(kinds)("shortens the deadline of a %s call to what the contract allows", async (kind) => {
  const remaining: number[] = [];
  const inHandler = () => remaining.push((currentCall()?.deadline ?? 0) - Date.now());
  await using dummy = await dummyClient(endingCases, { inHandler });
  const patient = clientFactory(dummy).create(HurriedEchoServiceDefinition, dummy.channel);

  const error = await rejection(call(patient, kind, "hang", { deadlineMs: 60_000 }));

  expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED, details: "deadline exceeded" });
  expect(remaining[0]).toBeGreaterThan(50);
  expect(remaining[0]).toBeLessThanOrEqual(100);
});

test.each(kinds)("keeps to the deadline that is on the wire of a %s call", async (kind) => {
  await using dummy = await dummyClient(endingCases);

  const answer = await rawCall({ port: dummy.port, path: pathOf(kind), headers: { "grpc-timeout": "30m" }, body: [HANG] });

  expect(answer.status).toBe(Status.DEADLINE_EXCEEDED);
  await dummy.logs.find({ msg: "handled" });
  expect(dummy.logs.with({ msg: "call finished", status: "DEADLINE_EXCEEDED" })).toHaveLength(1);
});

test("shows the handler the deadline that is on the wire", async () => {
  const remaining: number[] = [];
  await using dummy = await dummyClient({}, { inHandler: () => remaining.push((currentCall()?.deadline ?? 0) - Date.now()) });

  await rawCall({
    port: dummy.port,
    path: pathOf("unary"),
    headers: { "grpc-timeout": "7S" },
    body: [HELLO],
  });

  expect(remaining[0]).toBeGreaterThan(6_000);
  expect(remaining[0]).toBeLessThanOrEqual(7_000);
});

test("gives the next hop no more time than is left", async () => {
  const remaining: number[] = [];
  const inHandler = () => remaining.push((currentCall()?.deadline ?? 0) - Date.now());
  await using last = await dummyClient({}, { inHandler });
  const ask = async () => (await call(last.client, "unary", "hello"))[0] ?? "";
  await using first = await dummyClient({ ask }, { inHandler });

  await call(first.client, "unary", "ask", { deadlineMs: 5_000 });

  const [here = 0, there = 0] = remaining;
  expect(here).toBeLessThanOrEqual(5_000);
  expect(there).toBeLessThanOrEqual(here);
  expect(there).toBeGreaterThan(0);
});

test("refuses a deadline that cannot be read", async () => {
  await using dummy = await dummyClient();

  const answer = await rawCall({
    port: dummy.port,
    path: pathOf("unary"),
    headers: { "grpc-timeout": "soon" },
    body: [HELLO],
  });

  expect(answer.status).toBe(Status.INTERNAL);
  expect(dummy.logs.with({ msg: "request refused" })).toMatchObject([{ status: "INTERNAL" }]);
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
}
