import { createClient, Metadata, Status } from "nice-grpc";
import { GuardedEchoServiceDefinition } from "../../gen/bookmesh/testing/v1/guarded_echo_service.ts";
import { ServerReflectionDefinition } from "../../gen/grpc/reflection/v1/reflection.ts";
import { HealthDefinition } from "../../gen/health/v1/health.ts";
import { methodContract } from "../../runtime/contracts.ts";
import { createLogger } from "../../runtime/logger.ts";
import type { Caller, Security } from "../../runtime/security.ts";
import { type Dummy, dummyClient } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, type FourKindsClient, kinds, methodOf, rejection } from "../../test/support/four-kinds.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { CALLER_HEADER, plaintext } from "../../test/support/plaintext.ts";
import { testUsers } from "../../test/support/users.ts";
import { clientFactory } from "../client/chain.ts";
import { authorization } from "./authorization.ts";
import type { ServerCall } from "./server-call.ts";

const HOUR_MS = 3_600_000;

test.each(endings)("lets a $kind call pass of a caller whom the contract names, and $ending", async ({ play, status }) => {
  await using dummy = await serve();
  const client = guardedClient(dummy) as Dummy["client"];

  await play({ client, logs: dummy.logs }, { metadata: as("orders") });

  expect(await dummy.logs.find({ msg: "call finished" })).toMatchObject({ status });
  expect(dummy.logs.with({ audit: true })).toEqual([]);
});

describe.each(kinds)("a %s call", (kind) => {
  const path = `/bookmesh.testing.v1.GuardedEchoService/${methodOf(kind)}`;

  test("is refused to a caller whom the contract does not name, who is told by which rule", async () => {
    await using dummy = await serve();

    const error = await rejection(call(guardedClient(dummy), kind, "hello", { metadata: as("push") }));

    expect(error).toMatchObject({
      code: Status.PERMISSION_DENIED,
      details: `push may not call ${path}`,
      reason: "CALLER_NOT_ALLOWED",
      metadata: { rule: "mesh.policy.v1.method.callers", method: path, caller: "push" },
    });
    expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
    expect(dummy.logs.with({ msg: "call refused" })).toMatchObject([
      {
        level: 40,
        audit: true,
        reason: "CALLER_NOT_ALLOWED",
        path,
        caller: "spiffe://bookmesh.local/push",
        peer: expect.any(String),
      },
    ]);
    expect(dummy.logs.with({ msg: "call finished" })).toMatchObject([{ status: "PERMISSION_DENIED" }]);
  });

  test("is refused to a caller who proves no identity, whomever the contract names", async () => {
    await using dummy = await serve({ identity: undefined, validUntil: Number.POSITIVE_INFINITY });

    for (const client of [guardedClient(dummy), dummy.client]) {
      const error = await rejection(call(client, kind, "hello"));
      expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: "CALLER_UNKNOWN" });
    }

    expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
    expect(dummy.logs.with({ audit: true })).toMatchObject([{ reason: "CALLER_UNKNOWN" }, { reason: "CALLER_UNKNOWN" }]);
  });

  test("is refused to a caller whose proof has expired", async () => {
    const identity = { trustDomain: "bookmesh.local", name: "orders" };
    await using dummy = await serve({ identity, validUntil: Date.now() - HOUR_MS });

    const error = await rejection(call(guardedClient(dummy), kind, "hello"));

    expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: "CALLER_EXPIRED" });
    expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
    expect(dummy.logs.with({ audit: true })).toMatchObject([
      { reason: "CALLER_EXPIRED", caller: "spiffe://bookmesh.local/orders" },
    ]);
  });
});

test("every caller whom the contract names may call", async () => {
  await using dummy = await serve();
  const client = guardedClient(dummy);

  await expect(client.unary({ text: "hello" }, { metadata: as("orders") })).resolves.toEqual({ text: "hello" });
  await expect(client.unary({ text: "hello" }, { metadata: as("reviews") })).resolves.toEqual({ text: "hello" });
});

test.each(["", "*", "ORDERS", "orders ", "orders,reviews", "order", "orders2"])(
  "%j is not the name of such a caller",
  async (name) => {
    await using dummy = await serve();

    const error = await rejection(guardedClient(dummy).unary({ text: "hello" }, { metadata: as(name) }));

    expect(error).toMatchObject({ code: Status.PERMISSION_DENIED });
  },
);

test.each(["orders", "operator", "*", ""])("nobody may call what names nobody: %j", (name) => {
  const contract = { ...methodContract("/bookmesh.testing.v1.GuardedEchoService/Unary"), callers: [] };
  const caller = { trustDomain: "bookmesh.local", name };
  const call = { caller, callerValidUntil: Number.POSITIVE_INFINITY, contract } as unknown as ServerCall;
  const logger = createLogger({ name: "test", level: "info", destination: new LogLines() });

  expect(() => authorization({ logger }).start?.(call)).toThrow(expect.objectContaining({ kind: "denied" }));
});

describe("health and reflection", () => {
  const ask = async (dummy: Dummy) => {
    const { status } = await createClient(HealthDefinition, dummy.channel).check({}, { metadata: as("somebody") });
    const questions = (async function* () {
      yield { messageRequest: { $case: "listServices" as const, value: "" } };
    })();
    const answers = createClient(ServerReflectionDefinition, dummy.channel).serverReflectionInfo(questions, {
      metadata: as("somebody"),
    });
    for await (const { messageResponse } of answers) return [status, messageResponse?.$case];
    return [];
  };

  test("are for everybody of the mesh", async () => {
    await using dummy = await serve();

    expect(await ask(dummy)).toEqual([1, "listServicesResponse"]);
  });

  test("are for nobody else", async () => {
    await using dummy = await serve({ identity: undefined, validUntil: Number.POSITIVE_INFINITY });

    await expect(ask(dummy)).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
  });
});

/** @param caller whose calls they are; the default is what each call says itself. */
function serve(caller?: Caller): Promise<Dummy> {
  const open = plaintext();
  const credentials: Security = caller ? { ...open, server: () => ({ ...open.server(), callerOf: () => caller }) } : open;
  return dummyClient(endingCases, { credentials, verifyUserToken: testUsers().verify });
}

function guardedClient(dummy: Dummy): FourKindsClient {
  return clientFactory(dummy).create(GuardedEchoServiceDefinition, dummy.channel);
}

function as(name: string): Metadata {
  return Metadata({ [CALLER_HEADER]: name });
}
