import { jest } from "@jest/globals";
import { createClient, Metadata, Status } from "nice-grpc";
import {
  AdministratorEchoServiceDefinition,
  UserEchoServiceDefinition,
} from "../../gen/bookmesh/testing/v1/guarded_echo_service.ts";
import { type CallContext, currentCall } from "../../runtime/call-context.ts";
import { ContractError } from "../../runtime/contracts.ts";
import type { EndUser, VerifyUserToken } from "../../runtime/end-user.ts";
import { Failure } from "../../runtime/errors.ts";
import { type Dummy, type DummyOptions, dummyClient, type SpecialCase } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, type FourKindsClient, kinds, methodOf, rejection } from "../../test/support/four-kinds.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";
import { testUsers } from "../../test/support/users.ts";
import { clientFactory } from "../client/chain.ts";

const users = testUsers();
const ADA: EndUser = { id: "ada", administrator: false };

test.each(endings)("lets a $kind call of an administrator pass that $ending", async ({ play, status }) => {
  await using dummy = await serve(endingCases);
  const client = clientFactory(dummy).create(AdministratorEchoServiceDefinition, dummy.channel) as unknown as Dummy["client"];

  await play({ client, logs: dummy.logs }, { metadata: users.as("root", { administrator: true }) });

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
});

describe.each(kinds)("a %s call", (kind) => {
  test("is worked on for the user whose token it carries, who has to be named in it", async () => {
    const { inHandler, seen } = spy();
    await using dummy = await serve({}, { inHandler });
    const userToken = users.tokenOf("ada");

    // What was verified once is known from then on.
    expect(await call(ofUsers(dummy), kind, "ada", { userToken })).toEqual(["ada"]);
    expect(await call(ofUsers(dummy), kind, "ada", { userToken })).toEqual(["ada"]);

    expect(seen).toEqual([
      { user: ADA, userToken },
      { user: ADA, userToken },
    ]);
  });

  test.each([
    [undefined],
    [""],
    ["Bearer"],
    ["Bearer a token"],
    ["Bearer a,token"],
    ["Bearer: token"],
    ["Bearertoken"],
    ["Basic dXNlcjpwYXNz"],
    ["token"],
    ["=Bearer token"],
    ["Bearer =token"],
  ])("with the authorization %j has no user", async (authorization) => {
    const verify = jest.fn(users.verify);
    await using dummy = await serve({}, { verifyUserToken: verify });
    const metadata = Metadata(authorization === undefined ? {} : { authorization });

    const error = await rejection(call(ofUsers(dummy), kind, "ada", { metadata }));

    expect(error).toMatchObject({
      code: Status.UNAUTHENTICATED,
      details: "this takes a signed-in user",
      reason: "USER_TOKEN_MISSING",
    });
    expect(verify).not.toHaveBeenCalled();
    expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
  });

  test.each(["bearer", "BEARER", "Bearer "])("may say %j before its token", async (scheme) => {
    await using dummy = await serve();
    const metadata = Metadata({ authorization: `${scheme} ${users.tokenOf("ada")}` });

    expect(await call(ofUsers(dummy), kind, "ada", { metadata })).toEqual(["ada"]);
  });

  test.each([
    ["of another mesh", "USER_TOKEN_INVALID", () => testUsers().tokenOf("ada")],
    ["that is none", "USER_TOKEN_INVALID", () => "abc"],
    ["that has expired", "USER_TOKEN_EXPIRED", () => users.tokenOf("ada", { expiresAt: new Date(Date.now() - 60_000) })],
  ])("with a token %s is refused", async (_what, reason, token) => {
    await using dummy = await serve();

    const error = await rejection(call(ofUsers(dummy), kind, "ada", { userToken: token() }));

    expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason });
    expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
    expect(JSON.stringify(dummy.logs.all)).not.toContain(token().slice(-20));
  });

  test("is refused when it takes an administrator, and says by which rule", async () => {
    await using dummy = await serve();

    const error = await rejection(call(ofAdministrators(dummy), kind, "hello", { userToken: users.tokenOf("ada") }));

    expect(error).toMatchObject({
      code: Status.PERMISSION_DENIED,
      details: "this takes an administrator",
      reason: "USER_NOT_ALLOWED",
      metadata: {
        rule: "mesh.policy.v1.method.end_user",
        method: `/bookmesh.testing.v1.AdministratorEchoService/${methodOf(kind)}`,
      },
    });
    expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
  });

  test.each(["bob", "", "ADA", "ada "])("about another user, %j, finds nobody", async (text) => {
    const answer = jest.fn<SpecialCase>();
    await using dummy = await serve({ [text]: answer });

    const error = await rejection(call(ofUsers(dummy), kind, text, { userToken: users.tokenOf("ada") }));

    expect(error).toMatchObject({ code: Status.NOT_FOUND, details: "no such user", reason: "USER_NOT_FOUND" });
    expect(answer).not.toHaveBeenCalled();
  });

  test("that holds no message is refused for that, not for another user", async () => {
    await using dummy = await serve();

    const { status, message } = await rawCall({
      ...{ port: dummy.port, path: `/${UserEchoServiceDefinition.fullName}/${methodOf(kind)}` },
      headers: { authorization: `Bearer ${users.tokenOf("ada")}` },
      body: [frame(Buffer.of(0xff))],
    });

    expect([status, message]).toEqual([Status.INTERNAL, "the request is no message of its contract"]);
  });

  test("of an administrator may be about anybody", async () => {
    const { inHandler, seen } = spy();
    await using dummy = await serve({}, { inHandler });
    const userToken = users.tokenOf("root", { administrator: true });

    expect(await call(ofUsers(dummy), kind, "bob", { userToken })).toEqual(["bob"]);
    expect(seen).toEqual([{ user: { id: "root", administrator: true }, userToken }]);
  });

  test.each([
    ["a token that nobody has verified is passed on", "Bearer not.verified", "not.verified"],
    ["a token that is none is not passed on", "Bearer not verified", undefined],
    ["another authorization is not passed on", "Basic dXNlcjpwYXNz", undefined],
  ])("needs no user: %s", async (_what, authorization, userToken) => {
    const { inHandler, seen } = spy();
    const verify = jest.fn(users.verify);
    await using dummy = await serve({}, { inHandler, verifyUserToken: verify });

    expect(await call(dummy.client, kind, "hello", { metadata: Metadata({ authorization }) })).toEqual(["hello"]);

    expect(seen).toEqual([{ user: undefined, userToken }]);
    expect(verify).not.toHaveBeenCalled();
  });

  describe("whose token takes a while to verify", () => {
    test("waits for it, and goes on", async () => {
      const verification = pending();
      const { inHandler, seen } = spy();
      await using dummy = await serve({}, { inHandler, verifyUserToken: verification.verify });
      const outcome = call(ofUsers(dummy), kind, "ada", { userToken: "a.token" });
      await verification.asked;
      expect(seen).toEqual([]);

      verification.resolve(ADA);

      expect(await outcome).toEqual(["ada"]);
      expect(seen).toEqual([{ user: ADA, userToken: "a.token" }]);
    });

    test("waits for it, and is refused", async () => {
      const verification = pending();
      await using dummy = await serve({}, { verifyUserToken: verification.verify });
      const outcome = rejection(call(ofUsers(dummy), kind, "ada", { userToken: "a.token" }));
      await verification.asked;

      verification.reject(new Failure("unauthenticated", "the access token has expired", { reason: "USER_TOKEN_EXPIRED" }));

      expect(await outcome).toMatchObject({ code: Status.UNAUTHENTICATED, reason: "USER_TOKEN_EXPIRED" });
      await overFor(dummy, "UNAUTHENTICATED");
    });

    test("finds out that it is about another user", async () => {
      const verification = pending();
      await using dummy = await serve({}, { verifyUserToken: verification.verify });
      const outcome = rejection(call(ofUsers(dummy), kind, "bob", { userToken: "a.token" }));
      await verification.asked;

      verification.resolve(ADA);

      expect(await outcome).toMatchObject({ code: Status.NOT_FOUND, reason: "USER_NOT_FOUND" });
    });

    test("hides what goes wrong in it", async () => {
      const verification = pending();
      await using dummy = await serve({}, { verifyUserToken: verification.verify });
      const outcome = rejection(call(ofUsers(dummy), kind, "ada", { userToken: "a.token" }));
      await verification.asked;

      verification.reject(new TypeError("a secret"));

      expect(await outcome).toMatchObject({ code: Status.INTERNAL, details: "internal error" });
      await overFor(dummy, "INTERNAL");
    });

    test.each(["resolves", "rejects"] as const)("may be cancelled, before it %s", async (how) => {
      const verification = pending();
      await using dummy = await serve({}, { verifyUserToken: verification.verify, maxCallsInFlight: 1 });
      const caller = new AbortController();
      const outcome = rejection(call(ofUsers(dummy), kind, "ada", { userToken: "a.token", signal: caller.signal }));
      await verification.asked;

      caller.abort();
      await outcome;
      await dummy.logs.find({ msg: "call finished", status: "CANCELLED" });
      verification.end(how);

      await overFor(dummy, "CANCELLED");
    });

    test.each(["resolves", "rejects"] as const)("may run into its deadline, before it %s", async (how) => {
      const verification = pending();
      await using dummy = await serve({}, { verifyUserToken: verification.verify, maxCallsInFlight: 1 });
      const plain = createClient(UserEchoServiceDefinition, dummy.channel);
      const metadata = Metadata({ authorization: "Bearer a.token", "grpc-timeout": "20m" });

      const error = await rejection(call(plain, kind, "ada", { metadata }));
      verification.end(how);

      expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
      await overFor(dummy, "DEADLINE_EXCEEDED");
    });

    test("may be cut off by a server that stops", async () => {
      const verification = pending();
      await using dummy = await serve({}, { verifyUserToken: verification.verify });
      const outcome = rejection(call(ofUsers(dummy), kind, "ada", { userToken: "a.token" }));
      await verification.asked;

      dummy.server.forceShutdown();

      expect(await outcome).toMatchObject({ code: Status.UNAVAILABLE });
      verification.resolve(ADA);
      await settled();
      expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
      expect(dummy.logs.with({ msg: "call finished" })).toHaveLength(1);
    });
  });
});

test.each(["clientStreaming", "bidiStreaming"] as const)("looks at each message of a %s call", async (kind) => {
  const first = Promise.withResolvers<string>();
  const answer = jest.fn<SpecialCase>();
  const answerFirst: SpecialCase = (text) => {
    first.resolve(text);
    return text;
  };
  await using dummy = await serve({ ada: answerFirst, bob: answer });
  const texts = async function* () {
    yield { text: "ada" };
    await first.promise;
    yield { text: "bob" };
  };
  const options = { userToken: users.tokenOf("ada") };
  const read = async () => {
    if (kind === "clientStreaming") return void (await ofUsers(dummy).clientStreaming(texts(), options));
    for await (const { text } of ofUsers(dummy).bidiStreaming(texts(), options)) expect(text).toBe("ada");
  };

  expect(await rejection(read())).toMatchObject({ code: Status.NOT_FOUND, reason: "USER_NOT_FOUND" });
  expect(answer).not.toHaveBeenCalled();
});

test("a server that cannot verify users does not take services that ask for one", async () => {
  await using dummy = await dummyClient();

  for (const definition of [UserEchoServiceDefinition, AdministratorEchoServiceDefinition]) {
    expect(() => dummy.server.add(definition, {} as never)).toThrow(ContractError);
  }
});

function serve(specialCases: Record<string, SpecialCase> = {}, options: DummyOptions = {}): Promise<Dummy> {
  return dummyClient(specialCases, { verifyUserToken: users.verify, ...options });
}

function ofUsers(dummy: Dummy): FourKindsClient {
  return clientFactory(dummy).create(UserEchoServiceDefinition, dummy.channel);
}

function ofAdministrators(dummy: Dummy): FourKindsClient {
  return clientFactory(dummy).create(AdministratorEchoServiceDefinition, dummy.channel);
}

/** What handlers know of users. */
function spy() {
  const seen: Pick<CallContext, "user" | "userToken">[] = [];
  const inHandler = () => {
    const { user, userToken } = currentCall() ?? {};
    seen.push({ user, userToken });
  };
  return { seen, inHandler };
}

/** A verification that ends when it is told to. */
function pending() {
  const { promise, resolve, reject } = Promise.withResolvers<EndUser>();
  const { promise: asked, resolve: ask } = Promise.withResolvers<string>();
  const verify: VerifyUserToken = (token) => {
    ask(token);
    return promise;
  };
  const end = (how: "resolves" | "rejects") => {
    if (how === "resolves") resolve(ADA);
    else reject(new Failure("unauthenticated", "the access token has expired"));
  };
  return { asked, resolve, reject, end, verify };
}

/** Expects that the one call there was ended with this status, once, without its handler, and left its place to another one. */
async function overFor(dummy: Dummy, status: string): Promise<void> {
  await settled();
  expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
  expect(dummy.logs.with({ msg: "call finished" })).toMatchObject([{ status }]);
  expect(dummy.server.takeLoad()).toMatchObject({ callsInFlight: 0, calls: [{ ended: 1n }] });
  expect(await dummy.plain.unary({ text: "hello" })).toEqual({ text: "hello" });
}

/** Whatever was to follow has followed. */
async function settled(): Promise<void> {
  await new Promise(setImmediate);
}
