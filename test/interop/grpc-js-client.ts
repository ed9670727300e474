import assert from "node:assert/strict";
import { promisify } from "node:util";
import { type ChannelCredentials, Client, compressionAlgorithms, status } from "@grpc/grpc-js";
import { type Payload, TestServiceDefinition, UnimplementedServiceDefinition } from "../../gen/grpc/testing/test.ts";
import type { CaseName } from "./cases.ts";
import { GrpcJsCalls, type OpenCall, type Outcome, uncompressed } from "./grpc-js-calls.ts";

const { methods, fullName } = TestServiceDefinition;

const LARGE_REQUEST = { responseSize: 314_159, payload: zeros(271_828) };
const REQUEST_SIZES = [27_182, 8, 1_828, 45_904] as const;
const RESPONSE_SIZES = [31_415, 9, 2_653, 58_979] as const;
const ECHOED = {
  "x-grpc-test-echo-initial": "test_initial_metadata_value",
  "x-grpc-test-echo-trailing-bin": Buffer.from([0xab, 0xab, 0xab]),
};
const SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";

const CONNECT_MS = 15_000;

/** Where a server of the interoperability tests is. */
export interface InteropTarget {
  readonly address: string;
  readonly credentials: ChannelCredentials;
}

/**
 * Runs one case against a server.
 *
 * @throws AssertionError if it fails.
 */
export async function runWithGrpcJs(name: CaseName, { address, credentials }: InteropTarget): Promise<void> {
  const plain = new Client(address, credentials);
  const compressing = new Client(address, credentials, { "grpc.default_compression_algorithm": compressionAlgorithms.gzip });
  try {
    // Otherwise a call of one millisecond would not leave the client.
    await promisify(plain.waitForReady.bind(plain))(Date.now() + CONNECT_MS);
    await procedures[name](new GrpcJsCalls(plain, fullName), new GrpcJsCalls(compressing, fullName), plain);
  } finally {
    plain.close();
    compressing.close();
  }
}

type Procedure = (calls: GrpcJsCalls, compressing: GrpcJsCalls, client: Client) => Promise<void>;

const procedures: Record<CaseName, Procedure> = {
  async empty_unary(calls) {
    const outcome = await calls.unary(methods.emptyCall, {});

    expectOk(outcome);
    assert.deepEqual(outcome.responses, [{}]);
  },

  async large_unary(calls) {
    const outcome = await calls.unary(methods.unaryCall, LARGE_REQUEST);

    expectOk(outcome);
    expectPayloads(outcome, [314_159]);
  },

  async client_compressed_unary(_calls, compressing) {
    const asIs = { interceptors: [uncompressed(() => true)] };

    const probe = await compressing.unary(methods.unaryCall, { ...LARGE_REQUEST, expectCompressed: { value: true } }, asIs);
    assert.equal(probe.code, status.INVALID_ARGUMENT);

    const first = await compressing.unary(methods.unaryCall, { ...LARGE_REQUEST, expectCompressed: { value: true } });
    expectOk(first);
    expectPayloads(first, [314_159]);

    const second = await compressing.unary(methods.unaryCall, { ...LARGE_REQUEST, expectCompressed: { value: false } }, asIs);
    expectOk(second);
    expectPayloads(second, [314_159]);
  },

  async client_streaming(calls) {
    const call = calls.clientStream(methods.streamingInputCall);
    for (const size of REQUEST_SIZES) call.write({ payload: zeros(size) });
    call.halfClose();
    const outcome = await call.outcome;

    expectOk(outcome);
    assert.deepEqual(outcome.responses, [{ aggregatedPayloadSize: 74_922 }]);
  },

  async client_compressed_streaming(_calls, compressing) {
    const probe = compressing.clientStream(methods.streamingInputCall, { interceptors: [uncompressed(() => true)] });
    probe.write({ expectCompressed: { value: true }, payload: zeros(27_182) });
    probe.halfClose();
    assert.equal((await probe.outcome).code, status.INVALID_ARGUMENT);

    const call = compressing.clientStream(methods.streamingInputCall, { interceptors: [uncompressed((index) => index === 1)] });
    call.write({ expectCompressed: { value: true }, payload: zeros(27_182) });
    call.write({ expectCompressed: { value: false }, payload: zeros(45_904) });
    call.halfClose();
    const outcome = await call.outcome;
    expectOk(outcome);
    assert.deepEqual(outcome.responses, [{ aggregatedPayloadSize: 73_086 }]);
  },

  async server_streaming(calls) {
    const outcome = await calls.serverStream(methods.streamingOutputCall, {
      responseParameters: RESPONSE_SIZES.map((size) => ({ size })),
    });

    expectOk(outcome);
    expectPayloads(outcome, RESPONSE_SIZES);
  },

  async ping_pong(calls) {
    const call = calls.duplex(methods.fullDuplexCall);
    for (const [i, size] of RESPONSE_SIZES.entries()) {
      await exchange(call, { responseParameters: [{ size }], payload: zeros(REQUEST_SIZES[i] ?? 0) });
    }
    call.halfClose();
    const outcome = await call.outcome;

    expectOk(outcome);
    expectPayloads(outcome, RESPONSE_SIZES);
  },

  async empty_stream(calls) {
    const call = calls.duplex(methods.fullDuplexCall);
    call.halfClose();
    const outcome = await call.outcome;

    expectOk(outcome);
    assert.deepEqual(outcome.responses, []);
  },

  async status_code_and_message(calls) {
    const responseStatus = { code: 2, message: "test status message" };

    const unary = await calls.unary(methods.unaryCall, { responseStatus });
    const stream = calls.duplex(methods.fullDuplexCall);
    stream.write({ responseStatus });
    stream.halfClose();

    for (const { code, details } of [unary, await stream.outcome]) {
      assert.deepEqual({ code, message: details }, responseStatus);
    }
  },

  async special_status_message(calls) {
    const responseStatus = { code: 2, message: SPECIAL_MESSAGE };

    const { code, details } = await calls.unary(methods.unaryCall, { responseStatus });

    assert.deepEqual({ code, message: details }, responseStatus);
  },

  async unimplemented_method(calls) {
    const { code } = await calls.unary(methods.unimplementedCall, {});

    assert.equal(code, status.UNIMPLEMENTED);
  },

  async unimplemented_service(_calls, _compressing, client) {
    const calls = new GrpcJsCalls(client, UnimplementedServiceDefinition.fullName);

    const { code } = await calls.unary(UnimplementedServiceDefinition.methods.unimplementedCall, {});

    assert.equal(code, status.UNIMPLEMENTED);
  },

  async cancel_after_begin(calls) {
    const call = calls.clientStream(methods.streamingInputCall);
    call.cancel();

    assert.equal((await call.outcome).code, status.CANCELLED);
  },

  async cancel_after_first_response(calls) {
    const call = calls.duplex(methods.fullDuplexCall);
    await exchange(call, { responseParameters: [{ size: 31_415 }], payload: zeros(27_182) });
    call.cancel();

    assert.equal((await call.outcome).code, status.CANCELLED);
  },

  async timeout_on_sleeping_server(calls) {
    const call = calls.duplex(methods.fullDuplexCall, { deadline: Date.now() + 1 });
    call.write({ payload: zeros(27_182) });

    assert.equal((await call.outcome).code, status.DEADLINE_EXCEEDED);
  },

  async custom_metadata(calls) {
    const unary = await calls.unary(methods.unaryCall, LARGE_REQUEST, { metadata: ECHOED });
    const stream = calls.duplex(methods.fullDuplexCall, { metadata: ECHOED });
    stream.write({ responseParameters: [{ size: 314_159 }], payload: zeros(271_828) });
    stream.halfClose();

    for (const outcome of [unary, await stream.outcome]) {
      expectOk(outcome);
      expectPayloads(outcome, [314_159]);
      assert.deepEqual(outcome.headers.get("x-grpc-test-echo-initial"), [ECHOED["x-grpc-test-echo-initial"]]);
      assert.deepEqual(outcome.trailers.get("x-grpc-test-echo-trailing-bin"), [ECHOED["x-grpc-test-echo-trailing-bin"]]);
    }
  },
};

async function exchange<Request, Response>(call: OpenCall<Request, Response>, request: Parameters<typeof call.write>[0]) {
  const response = call.next();
  call.write(request);
  await response;
}

function expectOk({ code, details }: Outcome<unknown>): void {
  assert.equal(code, status.OK, `${status[code]}: ${details}`);
}

function expectPayloads({ responses }: Outcome<{ payload: Payload | undefined }>, sizes: readonly number[]): void {
  const bodies = responses.map(({ payload }) => payload?.body ?? Buffer.of());
  assert.deepEqual(
    bodies.map(({ length }) => length),
    sizes,
  );
  assert.ok(bodies.every((body) => body.every((byte) => byte === 0)));
}

function zeros(size: number): Payload {
  return { type: 0, body: Buffer.alloc(size) };
}
