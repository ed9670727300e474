import { forever } from "abort-controller-x";
import type { CallOptions } from "nice-grpc";
import type { DeepPartial, EchoRequest, EchoServiceClient } from "../../gen/bookmesh/testing/v1/echo_service.ts";
import type { ClientCallOptions } from "../../interceptors/client/chain.ts";
import { Failure } from "../../runtime/errors.ts";
import { type Dummy, raises, type SpecialCase } from "./dummy-client.ts";

/** The four kinds of call, as the methods of the echo services are called. */
export const kinds = ["unary", "clientStreaming", "serverStreaming", "bidiStreaming"] as const;
export type Kind = (typeof kinds)[number];
export type StreamingKind = "serverStreaming" | "bidiStreaming";

export type FourKindsClient = Pick<EchoServiceClient<ClientCallOptions>, Kind>;
export type EchoCallOptions = CallOptions & ClientCallOptions;
/** A request, or just its text. */
export type Question = string | DeepPartial<EchoRequest>;

/** The path of the method of EchoService that is a call of this kind. */
export function pathOf(kind: Kind): string {
  return `/bookmesh.testing.v1.EchoService/${methodOf(kind)}`;
}

/** The name of that method in the contract. */
export function methodOf(kind: Kind): string {
  return `${kind[0]?.toUpperCase()}${kind.slice(1)}`;
}

/** Makes a call of any kind with one request. Resolves with the texts of all responses. */
export async function call(
  client: FourKindsClient,
  kind: Kind,
  question: Question,
  options?: EchoCallOptions,
): Promise<string[]> {
  if (kind === "unary") return [(await client.unary(requestOf(question), options)).text];
  if (kind === "clientStreaming") return [(await client.clientStreaming(stream(question), options)).text];
  const texts: string[] = [];
  for await (const { text } of open(client, kind, question, options)) texts.push(text);
  return texts;
}

/** Opens a stream of responses to one request. */
export function open(client: FourKindsClient, kind: StreamingKind, question: Question, options?: EchoCallOptions) {
  return kind === "serverStreaming"
    ? client.serverStreaming(requestOf(question), options)
    : client.bidiStreaming(stream(question), options);
}

async function* stream(...questions: Question[]): AsyncGenerator<DeepPartial<EchoRequest>> {
  yield* questions.map(requestOf);
}

function requestOf(question: Question): DeepPartial<EchoRequest> {
  return typeof question === "string" ? { text: question } : question;
}

/** The special cases that endings need: hand them to dummyClient. */
export const endingCases: Record<string, SpecialCase> = {
  fail: raises(new Failure("not-found", "no such echo")),
  /** Works until nobody waits for it any more. */
  hang: (_text, context) => forever(context.signal),
};

/** One way in which a call of one kind ends. */
export interface Ending {
  readonly kind: Kind;
  readonly ending: "is answered" | "fails" | "is cancelled by its caller" | "is left early by its reader";
  /** The status that it ends with. */
  readonly status: "OK" | "NOT_FOUND" | "CANCELLED";
  /** Makes such a call. Resolves when it is over for the caller. */
  play(dummy: Pick<Dummy, "client" | "logs">, options?: EchoCallOptions): Promise<void>;
}

/** Every kind of call in every way that it can end. For test.each: "$kind that $ending". */
export const endings: readonly Ending[] = kinds.flatMap((kind) => {
  const answered: Ending = {
    kind,
    ending: "is answered",
    status: "OK",
    play: async (dummy, options) => void (await call(dummy.client, kind, "hello", options)),
  };
  const failed: Ending = {
    kind,
    ending: "fails",
    status: "NOT_FOUND",
    play: async (dummy, options) => {
      await rejection(call(dummy.client, kind, "fail", options));
    },
  };
  const cancelled: Ending = {
    kind,
    ending: "is cancelled by its caller",
    status: "CANCELLED",
    async play(dummy, options) {
      const controller = new AbortController();
      const outcome = rejection(call(dummy.client, kind, "hang", { ...options, signal: controller.signal }));
      await dummy.logs.find({ msg: "handling" });
      controller.abort();
      await outcome;
    },
  };
  if (kind === "unary" || kind === "clientStreaming") return [answered, failed, cancelled];
  const left: Ending = {
    kind,
    ending: "is left early by its reader",
    status: "CANCELLED",
    async play(dummy, options) {
      // More than the connection takes, so that the handler stands at its yield.
      for await (const _ of open(dummy.client, kind, { text: "flood", copies: 1_000_000 }, options)) return;
    },
  };
  return [answered, failed, cancelled, left];
});

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}
