import { createChannel, createClientFactory, Metadata } from "nice-grpc";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { type CallContext, runInCall } from "../../runtime/call-context.ts";
import { startTrace } from "../../runtime/trace-context.ts";
import { dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, rejection } from "../../test/support/four-kinds.ts";
import { listenOnWire } from "../../test/support/wire.ts";
import { userToken } from "./user-token.ts";

const OUTER: CallContext = {
  path: "/somewhere/Else",
  trace: startTrace(),
  deadline: Date.now() + 60_000,
  userToken: "outer.token",
};

test.each(endings)("does not change how a $kind call with a token ends that $ending", async ({ play, status }) => {
  await using dummy = await dummyClient(endingCases);

  await play(dummy, { userToken: "a.token" });

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
});

describe.each(kinds)("a %s call", (kind) => {
  test("carries the token of the call that it is part of", async () => {
    await using it = await clientOnWire();

    await runInCall(OUTER, () => rejection(call(it.client, kind, "hello")));

    expect(it.wire.headers).toMatchObject([{ authorization: "Bearer outer.token" }]);
  });

  test("carries the token that it is given instead", async () => {
    await using it = await clientOnWire();

    await runInCall(OUTER, () => rejection(call(it.client, kind, "hello", { userToken: "another.token" })));
    await rejection(call(it.client, kind, "hello", { userToken: "another.token" }));

    expect(it.wire.headers.map(({ authorization }) => authorization)).toEqual(["Bearer another.token", "Bearer another.token"]);
  });

  test("carries the authorization in its own metadata instead, whatever that is", async () => {
    await using it = await clientOnWire();
    const metadata = Metadata({ Authorization: "Basic Zm9v" });

    await runInCall(OUTER, () => rejection(call(it.client, kind, "hello", { metadata })));
    await rejection(call(it.client, kind, "hello", { metadata, userToken: "another.token" }));

    expect(it.wire.headers.map(({ authorization }) => authorization)).toEqual(["Basic Zm9v", "Basic Zm9v"]);
  });

  test("carries none when there is none, and none when none is wanted", async () => {
    await using it = await clientOnWire();

    await rejection(call(it.client, kind, "hello"));
    await runInCall({ ...OUTER, userToken: undefined }, () => rejection(call(it.client, kind, "hello")));
    await runInCall(OUTER, () => rejection(call(it.client, kind, "hello", { userToken: "" })));

    expect(it.wire.headers).toHaveLength(3);
    for (const headers of it.wire.headers) expect(headers).not.toHaveProperty("authorization");
  });

  test.each(["a secret\r\nx-admin: 1", "a secret", "secret,", "Bearer secret", "sëcret"])(
    "is not made with a token that is none, and does not repeat it: %j",
    async (token) => {
      await using it = await clientOnWire();

      const error = await rejection(call(it.client, kind, "hello", { userToken: token }));

      expect(error).toEqual(new TypeError("what is given as the token of a user is none"));
      expect(it.wire.headers).toEqual([]);
    },
  );
});

test("keeps the metadata of the call, and leaves that of its caller as it was", async () => {
  await using it = await clientOnWire();
  const metadata = Metadata({ "x-request": "1" });

  await rejection(it.client.unary({ text: "hello" }, { metadata, userToken: "a.token" }));

  expect(it.wire.headers[0]).toMatchObject({ "x-request": "1", authorization: "Bearer a.token" });
  expect(metadata.has("authorization")).toBe(false);
});

/** A client with this interceptor alone, and what it sends. */
async function clientOnWire() {
  const wire = await listenOnWire();
  const channel = createChannel(`127.0.0.1:${wire.port}`);
  return {
    wire,
    client: createClientFactory().use(userToken).create(EchoServiceDefinition, channel),
    async [Symbol.asyncDispose]() {
      channel.close();
      await wire[Symbol.asyncDispose]();
    },
  };
}
