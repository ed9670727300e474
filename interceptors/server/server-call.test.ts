import { createChannel, createServer, Status } from "nice-grpc";
import { EchoServiceDefinition } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import { serviceContract } from "../../runtime/contracts.ts";
import { Failure } from "../../runtime/errors.ts";
import { createLogger } from "../../runtime/logger.ts";
import { echo, type SpecialCase } from "../../test/support/dummy-client.ts";
import { call, endingCases, endings, kinds, rejection } from "../../test/support/four-kinds.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { clientFactory } from "../client/chain.ts";
import { statusOf, withErrorMapping } from "./error-mapping.ts";
import { FairBudget } from "./fair-budget.ts";
import type { ServerInterceptor } from "./interceptor.ts";
import { interceptCalls } from "./server-call.ts";

test.each(endings)("runs each hook once for a $kind call that $ending", async ({ play, status }) => {
  const { hooks, interceptor, settled } = spy();
  await using dummy = await serve([interceptor], endingCases);

  await play(dummy);
  await settled;

  // A caller who has left gets no status.
  const sent = status === "CANCELLED" ? [] : ["status"];
  expect(hooks).toEqual(["start", "message", ...sent, `finish ${status}`, "settle"]);
});

test.each(kinds)("goes in from the outermost link to the innermost and out again for a %s call", async (kind) => {
  const hooks: string[] = [];
  const outer = spy("outer", hooks);
  const inner = spy("inner", hooks);
  await using dummy = await serve([outer.interceptor, inner.interceptor]);

  await call(dummy.client, kind, "hello");
  await outer.settled;

  expect(hooks).toEqual([
    "outer start",
    "inner start",
    "outer message",
    "inner message",
    "inner status",
    "outer status",
    "inner finish OK",
    "outer finish OK",
    "inner settle",
    "outer settle",
  ]);
});

test.each(kinds)("finishes only the links that started when one refuses a %s call", async (kind) => {
  const hooks: string[] = [];
  const outer = spy("outer", hooks);
  const inner = spy("inner", hooks);
  const refusing: ServerInterceptor = {
    start() {
      throw new Failure("denied", "not today");
    },
    finish: () => hooks.push("refusing finish"),
    settle: () => hooks.push("refusing settle"),
  };
  await using dummy = await serve([outer.interceptor, refusing, inner.interceptor]);

  const error = await rejection(call(dummy.client, kind, "hello"));

  expect(error).toMatchObject({ code: Status.PERMISSION_DENIED, details: "not today" });
  expect(hooks).toEqual(["outer start", "inner status", "outer status", "outer finish PERMISSION_DENIED", "outer settle"]);
  expect(dummy.logs.with({ msg: "handling" })).toEqual([]);
});

test.each(kinds)("hides a message that a link refuses from the handler of a %s call", async (kind) => {
  const { hooks, interceptor, settled } = spy();
  const refusing: ServerInterceptor = {
    message() {
      throw new Failure("invalid", "not like this");
    },
  };
  const heard: string[] = [];
  const hear = (text: string) => {
    heard.push(text);
    return text;
  };
  await using dummy = await serve([interceptor, refusing], { hello: hear });

  const error = await rejection(call(dummy.client, kind, "hello"));
  await settled;

  expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, details: "not like this" });
  expect(heard).toEqual([]);
  expect(hooks).toEqual(["start", "message", "status", "finish INVALID_ARGUMENT", "settle"]);
});

test("takes a bug in a link for a bug, and goes on", async () => {
  const buggy: ServerInterceptor = {
    start() {
      throw new TypeError("a secret");
    },
  };
  await using dummy = await serve([buggy]);

  await expect(dummy.client.unary({ text: "hello" })).rejects.toMatchObject({ code: Status.INTERNAL, details: "internal error" });
  await expect(dummy.client.unary({ text: "hello" })).rejects.toMatchObject({ code: Status.INTERNAL });
});

test("sends the status that the outermost link chose", async () => {
  const inner: ServerInterceptor = { status: (_call, status) => ({ ...status, details: `${status.details}, inner` }) };
  const outer: ServerInterceptor = { status: (_call, status) => ({ ...status, details: `${status.details}, outer` }) };
  await using dummy = await serve([outer, inner], endingCases);

  await expect(dummy.client.unary({ text: "fail" })).rejects.toMatchObject({ details: "no such echo, inner, outer" });
});

test.each(kinds)("settles a %s call only when its handler has returned", async (kind) => {
  const work = Promise.withResolvers<string>();
  const { hooks, interceptor, settled } = spy();
  await using dummy = await serve([interceptor], { stubborn: () => work.promise });
  const caller = new AbortController();
  const outcome = rejection(call(dummy.client, kind, "stubborn", { signal: caller.signal }));
  await dummy.logs.find({ msg: "handling" });

  caller.abort();
  await outcome;
  await dummy.finished;
  expect(hooks.at(-1)).toBe("finish CANCELLED");
  work.resolve("done");

  await settled;
  expect(hooks.filter((hook) => hook.startsWith("finish"))).toHaveLength(1);
});

test("still knows who called when the caller has left", async () => {
  const peers: string[] = [];
  await using dummy = await serve([{ finish: ({ peer }) => peers.push(peer) }], endingCases);

  await endings.find(({ kind, ending }) => kind === "unary" && ending === "is cancelled by its caller")?.play(dummy);
  await dummy.finished;

  expect(peers).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
});

/** A link that notes which of its hooks run. */
function spy(name = "", hooks: string[] = []) {
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  const note = (hook: string): void => void hooks.push(`${name} ${hook}`.trim());
  const interceptor: ServerInterceptor = {
    start: () => note("start"),
    message: () => note("message"),
    status: (_call, status) => {
      note("status");
      return status;
    },
    finish: (_call, { code }) => note(`finish ${Status[code]}`),
    settle: () => {
      note("settle");
      resolve();
    },
  };
  return { hooks, interceptor, settled };
}

/** The echo behind these links alone. */
async function serve(links: readonly ServerInterceptor[], specialCases: Record<string, SpecialCase> = {}) {
  const logs = new LogLines();
  const logger = createLogger({ name: "dummy", level: "info", destination: logs });
  const finished = Promise.withResolvers<void>();
  const interceptors = [{ finish: () => finished.resolve() }, ...links];
  const environment = {
    interceptors,
    statusOf: (error: unknown, { path }: { path: string }) => statusOf(error, { logger, path }),
    messageMemory: new FairBudget(1_000_000),
  };
  const contracts = serviceContract(EchoServiceDefinition.fullName);
  const server = createServer({ interceptors: [interceptCalls(contracts, environment)] });
  server.add(EchoServiceDefinition, withErrorMapping(EchoServiceDefinition, echo({ specialCases, logger }), { logger }) as never);
  const channel = createChannel(`127.0.0.1:${await server.listen("127.0.0.1:0")}`);
  return {
    client: clientFactory({ logger }).create(EchoServiceDefinition, channel),
    logs,
    finished: finished.promise,
    async [Symbol.asyncDispose]() {
      channel.close();
      server.forceShutdown();
    },
  };
}
