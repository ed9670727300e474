import { type EventEmitter, once } from "node:events";
import {
  type CallOptions,
  type Client,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import type { DeepPartial, MessageFns } from "../../gen/grpc/testing/test.ts";

/** A method as ts-proto generates it. */
interface Method<Request, Response> {
  readonly name: string;
  readonly requestType: MessageFns<Request, string>;
  readonly responseType: MessageFns<Response, string>;
}

export interface CallSettings extends CallOptions {
  metadata?: Readonly<Record<string, string | Buffer>>;
}

/** How a call went for its caller. */
export interface Outcome<Response> extends Pick<StatusObject, "code" | "details"> {
  readonly responses: readonly Response[];
  readonly headers: Metadata;
  readonly trailers: Metadata;
}

/** A call that the caller sends messages to, one by one. */
export interface OpenCall<Request, Response> {
  write(request: DeepPartial<Request>): void;
  /** The next response. To be asked for before the server can send it. */
  next(): Promise<Response>;
  halfClose(): void;
  cancel(): void;
  readonly outcome: Promise<Outcome<Response>>;
}

/** Nothing here takes as long, so what does will never come. */
const TOO_LONG_MS = 15_000;

/** The calls of one service as a program makes them that has grpc-js and nothing of the mesh. */
export class GrpcJsCalls {
  readonly #client: Client;
  readonly #service: string;

  /** @param service "package.Service" */
  constructor(client: Client, service: string) {
    this.#client = client;
    this.#service = service;
  }

  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: DeepPartial<Request>,
    settings: CallSettings = {},
  ): Promise<Outcome<Response>> {
    const responses: Response[] = [];
    const { path, encode, decode, metadata } = this.#prepare(method, settings);
    const call = this.#client.makeUnaryRequest(path, encode, decode, request, metadata, settings, (_error, response) => {
      if (response !== undefined) responses.push(response);
    });
    return { ...(await endingOf(call)), responses };
  }

  async serverStream<Request, Response>(
    method: Method<Request, Response>,
    request: DeepPartial<Request>,
    settings: CallSettings = {},
  ): Promise<Outcome<Response>> {
    const { path, encode, decode, metadata } = this.#prepare(method, settings);
    return await readAll(this.#client.makeServerStreamRequest(path, encode, decode, request, metadata, settings));
  }

  clientStream<Request, Response>(
    method: Method<Request, Response>,
    settings: CallSettings = {},
  ): Omit<OpenCall<Request, Response>, "next"> {
    const responses: Response[] = [];
    const { path, encode, decode, metadata } = this.#prepare(method, settings);
    const call = this.#client.makeClientStreamRequest(path, encode, decode, metadata, settings, (_error, response) => {
      if (response !== undefined) responses.push(response);
    });
    return { ...handles(call), outcome: endingOf(call).then((ending) => ({ ...ending, responses })) };
  }

  duplex<Request, Response>(method: Method<Request, Response>, settings: CallSettings = {}): OpenCall<Request, Response> {
    const { path, encode, decode, metadata } = this.#prepare(method, settings);
    const call = this.#client.makeBidiStreamRequest(path, encode, decode, metadata, settings);
    const next = async () => (await once(call, "data", inTime()))[0] as Response;
    return { ...handles(call), next, outcome: readAll(call) };
  }

  #prepare<Request, Response>({ name, requestType, responseType }: Method<Request, Response>, settings: CallSettings) {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(settings.metadata ?? {})) metadata.set(key, value);
    return {
      path: `/${this.#service}/${name}`,
      encode: (request: DeepPartial<Request>) => Buffer.from(requestType.encode(requestType.fromPartial(request)).finish()),
      decode: (bytes: Buffer): Response => responseType.decode(bytes),
      metadata,
    };
  }
}

/** WriteFlags.NoCompress, which grpc-js does not export. */
const NO_COMPRESS = 2;

/**
 * Leaves messages of a call as they are on a channel that compresses.
 *
 * @param chosen which of them. The first has index 0.
 */
export function uncompressed(chosen: (index: number) => boolean): Interceptor {
  return (options, nextCall) => {
    let sent = 0;
    return new (class extends InterceptingCall {
      override sendMessageWithContext(context: object, message: unknown): void {
        super.sendMessageWithContext(chosen(sent++) ? { ...context, flags: NO_COMPRESS } : context, message);
      }
    })(nextCall(options));
  };
}

interface WritableCall<Request> {
  write(request: DeepPartial<Request>): void;
  end(): void;
  cancel(): void;
}

function handles<Request>(call: WritableCall<Request>) {
  return {
    write: (request: DeepPartial<Request>) => call.write(request),
    halfClose: () => call.end(),
    cancel: () => call.cancel(),
  };
}

async function readAll<Response>(call: EventEmitter): Promise<Outcome<Response>> {
  const responses: Response[] = [];
  call.on("data", (response: Response) => responses.push(response));
  const ended = new Promise((resolve) => call.on("end", resolve));
  const ending = await endingOf(call);
  // What arrived before a good status may still be on its way to the caller.
  if (ending.code === status.OK) await ended;
  return { ...ending, responses };
}

async function endingOf(call: EventEmitter): Promise<Omit<Outcome<never>, "responses">> {
  let headers = new Metadata();
  call.on("metadata", (received: Metadata) => {
    headers = received;
  });
  const ended = Promise.withResolvers<StatusObject>();
  call.on("status", ended.resolve);
  // The status, which follows, says the same.
  call.on("error", () => {});
  inTime().signal.addEventListener("abort", () => ended.reject(new Error("the call does not end")));
  const { code, details, metadata: trailers } = await ended.promise;
  return { code, details, headers, trailers };
}

function inTime(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(TOO_LONG_MS) };
}
