"""A caller without an SDK: the messages of Polaris's specification over gRPC.

Its argument is the server's address. Each line of standard input is a request in
JSON: the type (INSTANCE without one), the service, and the revision that the caller
has. All requests go over one stream. Each answer is a line of JSON on standard
output.
"""

import json
import queue
import sys

import grpc
from polarismesh_specification.api.v1.service_manage import grpcapi_pb2_grpc, request_pb2, service_pb2


def message(request):
    service = service_pb2.Service()
    service.namespace.value = "default"
    service.name.value = request["service"]
    service.revision.value = request.get("revision", "")
    return request_pb2.DiscoverRequest(type=request.get("type", request_pb2.DiscoverRequest.INSTANCE), service=service)


def main():
    requests = queue.SimpleQueue()
    with grpc.insecure_channel(sys.argv[1]) as channel:
        answers = grpcapi_pb2_grpc.PolarisGRPCStub(channel).Discover(iter(requests.get, None))
        for line in sys.stdin:
            requests.put(message(json.loads(line)))
            answer = next(answers)
            said = {
                "code": answer.code.value,
                "type": answer.type,
                "service": answer.service.name.value,
                "revision": answer.service.revision.value,
                "hosts": sorted(i.host.value for i in answer.instances),
                "unhealthy": sorted(i.host.value for i in answer.instances if not i.healthy.value),
            }
            print(json.dumps(said), flush=True)
        requests.put(None)


main()
