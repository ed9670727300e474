"""Calls the echo service of the tests by xDS, as it is told to on standard input.

GRPC_XDS_BOOTSTRAP or GRPC_XDS_BOOTSTRAP_CONFIG says where the control plane is; the folder that
is the second argument holds ca.crt, tls.crt and tls.key. Each line of
input is one order, {"calls": 100, "text": "who"}, optionally with "method" (Unary), "metadata"
({}), "timeout" (seconds, 10), "together" (calls in flight at once, 1); each line of output says
what came of it: {"answers": {"a": 90, "b": 10}, "ms": 51}. A failed call counts under the name
of its status. "details" has the message of one of the failures.
"""

import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc


def serialize(text: str) -> bytes:
    encoded = text.encode()
    assert len(encoded) < 128
    return b"\x0a" + bytes([len(encoded)]) + encoded


def deserialize(message: bytes) -> str:
    return message[2:].decode()


def main() -> None:
    ca, certificate, key = (Path(sys.argv[2], name).read_bytes() for name in ("ca.crt", "tls.crt", "tls.key"))
    channel = grpc.secure_channel(sys.argv[1], grpc.ssl_channel_credentials(ca, key, certificate))
    for line in sys.stdin:
        order = json.loads(line)
        method = channel.unary_unary(
            "/bookmesh.testing.v1.EchoService/" + order.get("method", "Unary"), serialize, deserialize
        )
        details = ""

        def call(_: int) -> str:
            nonlocal details
            try:
                return method(
                    order["text"],
                    timeout=order.get("timeout", 10),
                    metadata=tuple(order.get("metadata", {}).items()),
                )
            except grpc.RpcError as error:
                details = error.details()
                return error.code().name

        start = time.monotonic()
        with ThreadPoolExecutor(order.get("together", 1)) as pool:
            answers = Counter(pool.map(call, range(order["calls"])))
        ms = round((time.monotonic() - start) * 1000)
        print(json.dumps({"answers": answers, "ms": ms, "details": details}), flush=True)


main()
