import { create, type DescMethod, toBinary } from "@bufbuild/protobuf";
import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientWritableStream,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { decodeDetails, type FailureDetails, STATUS_DETAILS_KEY } from "../../interceptors/status-details.ts";
import { contracts, type MethodContract } from "../../runtime/contracts.ts";

/** How a call ended, or that a first response has come. */
export interface Outcome extends FailureDetails {
  /** The name of the gRPC status; "OK" also for a stream that has begun to answer. */
  readonly status: string;
  readonly message: string;
  /** The first response, as it came. */
  readonly response: Buffer | undefined;
}

export interface AnyCallOptions {
  /** The default is an empty message. */
  request?: Uint8Array;
  metadata?: Metadata;
  /** Sends no message on a stream of requests, and does not end it either. The default is false. */
  silent?: boolean;
  /** The default is more than any answer takes: what ends by it has got none. */
  deadlineMs?: number;
}

const PATIENCE_MS = 10_000;
/** A name in every certificate: that of an IP address is none that TLS may be asked for. */
const NAME = { "grpc.ssl_target_name_override": "localhost" };
const asIs = (bytes: Uint8Array) => Buffer.from(bytes);

/** A client that calls whatever it is told to, without retries. The caller closes it. */
export function anyClient(address: string, credentials: ChannelCredentials, options: ClientOptions = {}): Client {
  return new Client(address, credentials, { "grpc.enable_retries": 0, "grpc.use_local_subchannel_pool": 1, ...NAME, ...options });
}

/** Calls a method of whichever kind. A stream is left after its first response. */
export function callAny(
  client: Client,
  { path, kind }: Pick<MethodContract, "path" | "kind">,
  { request = new Uint8Array(), metadata = new Metadata(), silent = false, deadlineMs = PATIENCE_MS }: AnyCallOptions = {},
): Promise<Outcome> {
  const options = { deadline: Date.now() + deadlineMs };
  return new Promise((resolve) => {
    const ended = (error: ServiceError | null, response?: Buffer) => resolve(outcomeOf(error, response));
    const readFirst = (responses: ClientReadableStream<Buffer>) => {
      responses.on("error", (error: ServiceError) => ended(error));
      responses.on("end", () => ended(null));
      responses.once("data", (response: Buffer) => {
        ended(null, response);
        responses.cancel();
      });
    };
    const write = (requests: ClientWritableStream<Uint8Array>) => {
      if (!silent) requests.end(request);
    };
    switch (kind) {
      case "unary":
        client.makeUnaryRequest(path, asIs, asIs, request, metadata, options, ended);
        break;
      case "server_streaming":
        readFirst(client.makeServerStreamRequest(path, asIs, asIs, request, metadata, options));
        break;
      case "client_streaming":
        write(client.makeClientStreamRequest(path, asIs, asIs, metadata, options, ended));
        break;
      case "bidi_streaming": {
        const stream = client.makeBidiStreamRequest(path, asIs, asIs, metadata, options);
        readFirst(stream);
        write(stream);
      }
    }
  });
}

/** The description of a method. @throws if there is none. */
export function descriptionOf({ service, method }: Pick<MethodContract, "service" | "method">): DescMethod {
  const found = contracts.getService(service)?.methods.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`no contract for ${service}/${method}`);
  return found;
}

/** A request with these fields and no others, encoded. */
export function requestWith(contract: MethodContract, fields: Record<string, unknown>): Uint8Array {
  const { input } = descriptionOf(contract);
  return toBinary(input, create(input, fields));
}

function outcomeOf(error: ServiceError | null, response: Buffer | undefined): Outcome {
  const trailer = error?.metadata?.get(STATUS_DETAILS_KEY)[0];
  return {
    ...decodeDetails(typeof trailer === "string" ? undefined : trailer),
    status: status[error?.code ?? status.OK] ?? "",
    message: error?.details ?? "",
    response,
  };
}
