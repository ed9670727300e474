import { type CallContext, ServerError, Status } from "nice-grpc";
import {
  type BoolValue,
  type EchoStatus,
  type ResponseParameters,
  type StreamingOutputCallRequest,
  type StreamingOutputCallResponse,
  TestServiceDefinition,
  type TestServiceImplementation,
} from "../../gen/grpc/testing/test.ts";
import { Failure } from "../../runtime/errors.ts";
import { cameCompressed, withCompression } from "./compression.ts";

/** Sent back as it is in the headers. */
export const ECHO_INITIAL = "x-grpc-test-echo-initial";
/** Sent back as it is in the trailers. */
export const ECHO_TRAILING = "x-grpc-test-echo-trailing-bin";

const { unimplementedCall: _, ...methods } = TestServiceDefinition.methods;

/** The service without the method that no server implements. */
export const InteropServiceDefinition = withCompression({ ...TestServiceDefinition, methods });

/** The handlers of the gRPC interoperability tests. */
export const interopHandler: Omit<TestServiceImplementation, "unimplementedCall"> = {
  async emptyCall() {
    return {};
  },

  async unaryCall(request, context) {
    checkCompression(request, request.expectCompressed);
    echoMetadata(context);
    endAsAsked(request.responseStatus);
    return { payload: zeros(request.responseSize) };
  },

  async *streamingOutputCall(request, context) {
    echoMetadata(context);
    yield* respond(request);
  },

  async streamingInputCall(requests) {
    let size = 0;
    for await (const request of requests) {
      checkCompression(request, request.expectCompressed);
      size += request.payload?.body.length ?? 0;
    }
    return { aggregatedPayloadSize: size };
  },

  async *fullDuplexCall(requests, context) {
    echoMetadata(context);
    for await (const request of requests) yield* respond(request);
  },
};

function* respond(request: StreamingOutputCallRequest): Generator<StreamingOutputCallResponse> {
  endAsAsked(request.responseStatus);
  yield* request.responseParameters.map(({ size }: ResponseParameters) => ({ payload: zeros(size) }));
}

function zeros(size: number) {
  return { type: 0 as const, body: Buffer.alloc(size) };
}

function checkCompression(message: object, expected: BoolValue | undefined): void {
  if (expected !== undefined && expected.value !== cameCompressed(message)) {
    throw new Failure("invalid", `the message is ${expected.value ? "not " : ""}compressed`);
  }
}

/** With a status that no Failure has: the caller chooses it. */
function endAsAsked(status: EchoStatus | undefined): void {
  if (status !== undefined && status.code !== Status.OK) throw new ServerError(status.code, status.message);
}

function echoMetadata({ metadata, header, trailer }: CallContext): void {
  const initial = metadata.get(ECHO_INITIAL);
  if (initial !== undefined) header.set(ECHO_INITIAL, initial);
  const trailing = metadata.get(ECHO_TRAILING);
  if (trailing !== undefined) trailer.set(ECHO_TRAILING, trailing);
}
