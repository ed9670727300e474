import { ServerError, Status } from "nice-grpc";
import { Failure } from "../../runtime/errors.ts";
import { type Dummy, dummyClient, raises } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, pathOf, rejection } from "../../test/support/four-kinds.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";

/** Half of an emoji. */
const LONE_SURROGATE = "\u{1f600}".slice(0, 1);

test.each(endings)("leaves the status of a $kind call that $ending as it is", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
});

test.each(kinds)("sends the status of a %s call whose message has half an emoji", async (kind) => {
  await using dummy = await dummyClient({
    fail: raises(new Failure("not-found", `no ${LONE_SURROGATE}`, { reason: "NO_EMOJI" })),
  });

  await expect(call(dummy.client, kind, "fail")).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    details: "no \ufffd",
    reason: "NO_EMOJI",
  });
});

test("mends the message of a status that was chosen on purpose", async () => {
  await using dummy = await dummyClient({ fail: raises(new ServerError(Status.ABORTED, LONE_SURROGATE)) });

  await expect(dummy.client.unary({ text: "fail" })).rejects.toMatchObject({ code: Status.ABORTED, details: "\ufffd" });
});

test.each(kinds)("cuts the message of a %s call short, and no other call with it", async (kind) => {
  await using dummy = await dummyClient({
    ...working(),
    fail: raises(new Failure("conflict", "x".repeat(80_000), { reason: "TAKEN" })),
  });
  const other = otherCall(dummy);

  const error = await rejection(call(dummy.client, kind, "fail"));

  expect(error).toMatchObject({ code: Status.ALREADY_EXISTS, details: "x".repeat(1_024), reason: "TAKEN" });
  await other.finishes();
});

test.each(kinds)("leaves trailers of a %s call out that are too large, and no other call with them", async (kind) => {
  const metadata = { excerpt: "x".repeat(10_000) };
  await using dummy = await dummyClient({
    ...working(),
    fail: raises(new Failure("conflict", "taken", { reason: "TAKEN", metadata })),
  });
  const other = otherCall(dummy);

  const error = await rejection(call(dummy.client, kind, "fail"));

  expect(error).toMatchObject({ code: Status.ALREADY_EXISTS, details: "taken", reason: undefined, metadata: {} });
  await other.finishes();
});

test("leaves trailers out that are too large only together with the rest", async () => {
  await using dummy = await dummyClient({
    many: (text, { trailer }) => {
      for (let i = 0; i < 300; i++) trailer.set(`note-${i}`, "short");
      return text;
    },
    few: (text, { trailer }) => {
      trailer.set("note-0", "short");
      return text;
    },
  });
  const trailersOf = async (text: string) => {
    const received: (string | undefined)[] = [];
    await dummy.client.unary({ text }, { onTrailer: (trailer) => received.push(trailer.get("note-0")) });
    return received;
  };

  expect(await trailersOf("many")).toEqual([undefined]);
  expect(await trailersOf("few")).toEqual(["short"]);
});

test.each([
  ["letters of three bytes", "\u6f22".repeat(1_024)],
  ["emoji", "\u{1f600}".repeat(600)],
  ["percent signs", "%".repeat(1_024)],
])("keeps everything that it sends for %s within 8 KiB", async (_name, message) => {
  const violations = Array.from({ length: 25 }, (_, i) => ({ field: `f${i}`, description: "d".repeat(200) }));
  await using dummy = await dummyClient({ fail: raises(new Failure("invalid", message, { violations })) });

  const request = frame(Buffer.from("\u000a\u0004fail"));
  const answer = await rawCall({ port: dummy.port, path: pathOf("unary"), body: [request] });

  const all = { ...answer.headers, ...answer.trailers };
  const bytes = Object.entries(all).reduce((sum, [key, value]) => sum + key.length + String(value).length + 32, 0);
  expect(answer.status).toBe(Status.INVALID_ARGUMENT);
  expect(bytes).toBeLessThanOrEqual(8_192);
  expect(message.startsWith(answer.message)).toBe(true);
});

/** A special case that works until told to finish. */
function working() {
  finish = Promise.withResolvers();
  const { promise } = finish;
  return { work: () => promise };
}
let finish: PromiseWithResolvers<string>;

/** A call on the same connection that has to survive. */
function otherCall(dummy: Dummy) {
  const other = call(dummy.client, "bidiStreaming", "work");
  return {
    async finishes() {
      finish.resolve("done");
      await expect(other).resolves.toEqual(["done"]);
    },
  };
}
