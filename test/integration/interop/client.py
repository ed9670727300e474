"""Runs cases of the gRPC interoperability tests against a server, as it is told to on standard input.

    client.py localhost:50051 [FOLDER]

FOLDER holds ca.crt, tls.crt and tls.key: with it the connection is mutual TLS, without it plaintext.
The code that protoc makes of test.proto has to be on PYTHONPATH.

The first line of output is {"grpc": "1.51.1", "cases": ["empty_unary", ...]}. Each line of input is
the name of a case; each line of output after the first says what came of it: {"problem": null}.
"""

import json
import queue
import sys
import traceback
from pathlib import Path

import grpc
from grpc._cython import cygrpc

import test_pb2 as pb
import test_pb2_grpc as stubs

REQUEST_SIZES = (27182, 8, 1828, 45904)
RESPONSE_SIZES = (31415, 9, 2653, 58979)
INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"
ECHOED = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\xab\xab\xab"))
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"

# Nothing here takes as long: what does hangs.
TIMEOUT = 15


def zeros(size):
    return pb.Payload(body=bytes(size))


def large_request(**fields):
    return pb.SimpleRequest(response_size=314159, payload=zeros(271828), **fields)


def output_request(request_size, response_size):
    parameters = [pb.ResponseParameters(size=response_size)]
    return pb.StreamingOutputCallRequest(response_parameters=parameters, payload=zeros(request_size))


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def expect_payloads(responses, sizes):
    equal([len(response.payload.body) for response in responses], list(sizes))
    for response in responses:
        equal(response.payload.body.count(0), len(response.payload.body))


def status_of(call):
    """The code and message of a call that is not to succeed."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


class Requests:
    """The requests of a stream, sent one by one."""

    def __init__(self):
        self._queue = queue.Queue()

    def send(self, request):
        self._queue.put(request)

    def half_close(self):
        self._queue.put(None)

    def __iter__(self):
        return iter(self._queue.get, None)


def empty_unary(stub):
    equal(stub.EmptyCall(pb.Empty(), timeout=TIMEOUT), pb.Empty())


def large_unary(stub):
    expect_payloads([stub.UnaryCall(large_request(), timeout=TIMEOUT)], [314159])


def client_compressed_unary(stub):
    compressed = large_request(expect_compressed=pb.BoolValue(value=True))
    uncompressed = large_request(expect_compressed=pb.BoolValue(value=False))
    gzip = grpc.Compression.Gzip
    equal(status_of(lambda: stub.UnaryCall(compressed, timeout=TIMEOUT))[0], grpc.StatusCode.INVALID_ARGUMENT)
    expect_payloads([stub.UnaryCall(compressed, timeout=TIMEOUT, compression=gzip)], [314159])
    expect_payloads([stub.UnaryCall(uncompressed, timeout=TIMEOUT)], [314159])


def client_streaming(stub):
    requests = (pb.StreamingInputCallRequest(payload=zeros(size)) for size in REQUEST_SIZES)
    equal(stub.StreamingInputCall(requests, timeout=TIMEOUT).aggregated_payload_size, 74922)


def client_compressed_streaming(stub):
    compressed = pb.StreamingInputCallRequest(expect_compressed=pb.BoolValue(value=True), payload=zeros(27182))
    uncompressed = pb.StreamingInputCallRequest(expect_compressed=pb.BoolValue(value=False), payload=zeros(45904))

    def requests():
        yield compressed
        # C-core can leave one message of a stream uncompressed; its Python API has no word for that.
        grpc._channel._EMPTY_FLAGS = cygrpc.WriteFlag.no_compress
        try:
            yield uncompressed
        finally:
            grpc._channel._EMPTY_FLAGS = 0

    probe = status_of(lambda: stub.StreamingInputCall(iter([compressed]), timeout=TIMEOUT))
    equal(probe[0], grpc.StatusCode.INVALID_ARGUMENT)
    response = stub.StreamingInputCall(requests(), timeout=TIMEOUT, compression=grpc.Compression.Gzip)
    equal(response.aggregated_payload_size, 73086)


def server_streaming(stub):
    parameters = [pb.ResponseParameters(size=size) for size in RESPONSE_SIZES]
    request = pb.StreamingOutputCallRequest(response_parameters=parameters)
    expect_payloads(list(stub.StreamingOutputCall(request, timeout=TIMEOUT)), RESPONSE_SIZES)


def ping_pong(stub):
    requests = Requests()
    call = stub.FullDuplexCall(iter(requests), timeout=TIMEOUT)
    for request_size, response_size in zip(REQUEST_SIZES, RESPONSE_SIZES):
        requests.send(output_request(request_size, response_size))
        expect_payloads([next(call)], [response_size])
    requests.half_close()
    equal(list(call), [])
    equal(call.code(), grpc.StatusCode.OK)


def empty_stream(stub):
    call = stub.FullDuplexCall(iter([]), timeout=TIMEOUT)
    equal(list(call), [])
    equal(call.code(), grpc.StatusCode.OK)


def status_code_and_message(stub):
    status = pb.EchoStatus(code=2, message="test status message")
    expected = (grpc.StatusCode.UNKNOWN, "test status message")
    equal(status_of(lambda: stub.UnaryCall(pb.SimpleRequest(response_status=status), timeout=TIMEOUT)), expected)
    request = pb.StreamingOutputCallRequest(response_status=status)
    equal(status_of(lambda: list(stub.FullDuplexCall(iter([request]), timeout=TIMEOUT))), expected)


def special_status_message(stub):
    request = pb.SimpleRequest(response_status=pb.EchoStatus(code=2, message=SPECIAL_MESSAGE))
    equal(status_of(lambda: stub.UnaryCall(request, timeout=TIMEOUT)), (grpc.StatusCode.UNKNOWN, SPECIAL_MESSAGE))


def unimplemented_method(stub):
    code, _ = status_of(lambda: stub.UnimplementedCall(pb.Empty(), timeout=TIMEOUT))
    equal(code, grpc.StatusCode.UNIMPLEMENTED)


def unimplemented_service(stub):
    code, _ = status_of(lambda: stub.unimplemented.UnimplementedCall(pb.Empty(), timeout=TIMEOUT))
    equal(code, grpc.StatusCode.UNIMPLEMENTED)


def cancel_after_begin(stub):
    requests = Requests()
    call = stub.StreamingInputCall.future(iter(requests), timeout=TIMEOUT)
    call.cancel()
    requests.half_close()
    equal(call.cancelled(), True)
    equal(call.code(), grpc.StatusCode.CANCELLED)


def cancel_after_first_response(stub):
    requests = Requests()
    call = stub.FullDuplexCall(iter(requests), timeout=TIMEOUT)
    requests.send(output_request(27182, 31415))
    expect_payloads([next(call)], [31415])
    call.cancel()
    requests.half_close()
    equal(status_of(lambda: next(call))[0], grpc.StatusCode.CANCELLED)


def timeout_on_sleeping_server(stub):
    requests = Requests()
    call = stub.FullDuplexCall(iter(requests), timeout=0.001)
    requests.send(pb.StreamingOutputCallRequest(payload=zeros(27182)))
    code, _ = status_of(lambda: next(call))
    requests.half_close()
    equal(code, grpc.StatusCode.DEADLINE_EXCEEDED)


def custom_metadata(stub):
    response, unary = stub.UnaryCall.with_call(large_request(), timeout=TIMEOUT, metadata=ECHOED)
    requests = iter([output_request(271828, 314159)])
    stream = stub.FullDuplexCall(requests, timeout=TIMEOUT, metadata=ECHOED)
    responses = list(stream)
    expect_payloads([response], [314159])
    expect_payloads(responses, [314159])
    for call in (unary, stream):
        equal([value for key, value in call.initial_metadata() if key == INITIAL], [ECHOED[0][1]])
        equal([value for key, value in call.trailing_metadata() if key == TRAILING], [ECHOED[1][1]])


CASES = (
    empty_unary,
    large_unary,
    client_compressed_unary,
    client_streaming,
    client_compressed_streaming,
    server_streaming,
    ping_pong,
    empty_stream,
    status_code_and_message,
    special_status_message,
    unimplemented_method,
    unimplemented_service,
    cancel_after_begin,
    cancel_after_first_response,
    timeout_on_sleeping_server,
    custom_metadata,
)


def open_channel(target, folder=None):
    if folder is None:
        return grpc.insecure_channel(target)
    read = lambda name: (Path(folder) / name).read_bytes()
    credentials = grpc.ssl_channel_credentials(read("ca.crt"), read("tls.key"), read("tls.crt"))
    return grpc.secure_channel(target, credentials)


def main():
    cases = {case.__name__: case for case in CASES}
    print(json.dumps({"grpc": grpc.__version__, "cases": list(cases)}), flush=True)
    with open_channel(*sys.argv[1:]) as channel:
        stub = stubs.TestServiceStub(channel)
        stub.unimplemented = stubs.UnimplementedServiceStub(channel)
        for name in sys.stdin:
            problem = None
            try:
                cases[name.strip()](stub)
            except Exception:
                problem = traceback.format_exc(limit=-3)
            print(json.dumps({"problem": problem}), flush=True)


main()
