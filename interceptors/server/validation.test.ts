import { jest } from "@jest/globals";
import { Status } from "nice-grpc";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, rejection } from "../../test/support/four-kinds.ts";
import type { CallFailure } from "../client/failure-details.ts";

test.each(endings)("lets a $kind call pass that $ending", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy);

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
});

test.each(kinds)("refuses a %s request that breaks a rule before its handler sees it", async (kind) => {
  const answer = jest.fn(async (text: string) => text);
  await using dummy = await dummyClient({ wrong: answer });

  const error = await rejection(call(dummy.client, kind, { text: "wrong", copies: -1 }));

  expect(error).toMatchObject({
    code: Status.INVALID_ARGUMENT,
    details: "copies must be 0 to 1000000",
    reason: "INVALID_FIELDS",
    violations: [{ field: "copies", description: "must be 0 to 1000000" }],
  });
  expect(answer).not.toHaveBeenCalled();
  expect(dummy.logs.with({ msg: "call finished" })).toMatchObject([{ status: "INVALID_ARGUMENT" }]);
});

test("lists everything that is wrong, in the names of the contract", async () => {
  await using dummy = await dummyClient();

  const error = await rejection(
    dummy.client.unary({
      text: "x".repeat(2_001),
      copies: -1,
      sample: { shortText: "x", mainPart: {}, moreParts: [{ name: "a" }, {}] },
    }),
  );

  const { violations, details } = error as CallFailure;
  expect(violations.map(({ field }) => field)).toEqual(
    expect.arrayContaining([
      "text",
      "copies",
      "sample.required_text",
      "sample.short_text",
      "sample.small_number",
      "sample.main_part.name",
      "sample.more_parts[1].name",
    ]),
  );
  for (const { field, description } of violations) expect(details).toContain(`${field} ${description}`);
});

test("never repeats a value that was sent", async () => {
  await using dummy = await dummyClient();

  const error = (await rejection(
    dummy.client.unary({
      sample: { email: "Secret!", slug: "Secret!", words: ["Secret!".repeat(9)], labels: new Map([["Secret!", "Secret!"]]) },
    }),
  )) as CallFailure;

  expect(error.violations.length).toBeGreaterThan(3);
  expect(JSON.stringify([error.details, error.violations, dummy.logs.all])).not.toContain("Secret!");
});

test("lists no more violations than a person can read", async () => {
  await using dummy = await dummyClient();

  const error = await rejection(dummy.client.unary({ sample: { moreParts: Array.from({ length: 1_000 }, () => ({})) } }));

  expect((error as CallFailure).violations).toHaveLength(25);
});

test("looks at each message of a stream", async () => {
  await using dummy = await dummyClient();
  const answered = Promise.withResolvers<void>();
  const requests = async function* () {
    yield { text: "right" };
    await answered.promise;
    yield { text: "wrong", copies: -1 };
  };
  const texts: string[] = [];
  const reading = async () => {
    for await (const { text } of dummy.client.bidiStreaming(requests())) {
      texts.push(text);
      answered.resolve();
    }
  };

  await expect(reading()).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
  expect(texts).toEqual(["right"]);
  await dummy.logs.find({ msg: "handled" });
});
