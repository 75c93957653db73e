"""The unmodified grpcio as a client of xDS.

Each line of standard input is a command in JSON: {"call": TARGET, "times": N} calls a
target, as xds:///novel.default. The answer is a line of JSON on standard output: how
often each instance served the call, how many calls failed, and why the last of them did.
The file that GRPC_XDS_BOOTSTRAP names says where the xDS server is.
"""

import collections
import json
import sys

import grpc

TIMEOUT = 2  # seconds, of a call


def check(channel):
    """Returns a callable for gRPC's health service. Its request and answer are bytes here: an empty request is an empty message."""
    return channel.unary_unary("/grpc.health.v1.Health/Check", request_serializer=lambda m: m, response_deserializer=lambda m: m)


def main():
    calls = {}
    for line in sys.stdin:
        command = json.loads(line)
        target = command["call"]
        if target not in calls:
            calls[target] = check(grpc.insecure_channel(target))
        served, failed, error = collections.Counter(), 0, ""
        for _ in range(command["times"]):
            try:
                _, call = calls[target].with_call(b"", timeout=TIMEOUT)
                served.update(value for key, value in call.initial_metadata() if key == "served-by")
            except grpc.RpcError as e:
                failed, error = failed + 1, f"{e.code().name}: {e.details()}"
        print(json.dumps({"served": served, "failed": failed, "error": error}), flush=True)


main()
