"""Runs the unmodified py-eureka-client.

Arguments: the server's URL, the application that it asks for, "delta" (it has no other mode), and
the application, the host and the SET of the instance that it registers. Until its standard input
ends it prints states as JSON, one a line: the hosts that it has.
"""

import json
import os
import sys
import threading
import time

from py_eureka_client import eureka_client


def end_with_input():
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
server, app, _, own, host, set_name = sys.argv[1:]
client = eureka_client.init(
    eureka_server=server + "/",
    app_name=own,
    instance_host=host,
    instance_ip=host,
    instance_port=80,
    instance_id=f"{host}:{own}:80",
    renewal_interval_in_secs=1,
    duration_in_secs=15,
    metadata={"internal-set-name": set_name},
)
while True:
    hosts = []
    if client.applications:
        hosts = sorted(i.ipAddr for i in client.applications.get_application(app).up_instances)
    print(json.dumps({"hosts": hosts}), flush=True)
    time.sleep(0.05)
