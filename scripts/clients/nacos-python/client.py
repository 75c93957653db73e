"""Runs the unmodified Nacos SDK for Python, nacos-sdk-python, as one client for each
address of a server in its arguments. The first argument is a folder of its own. The
commands and what is printed are those of scripts/clients/nacos. Versions from 2 on
have an asyncio client over gRPC; version 1 has one that polls over HTTP.
"""

import asyncio
import json
import logging
import os
import sys
import threading
import time

lock = threading.Lock()


def show(client, kind, service="", hosts=(), error=None):
    news = {"client": client, "at": int(time.time() * 1000), "kind": kind, "service": service, "hosts": sorted(hosts)}
    if error:
        news["error"] = error
    with lock:
        out.write(json.dumps(news) + "\n")
        out.flush()


def split(name):
    group, at, service = name.partition("@@")
    return (group, service) if at else ("DEFAULT_GROUP", name)


class GRPC:
    """A client of the versions from 2 on."""

    def __init__(self, number, sdk):
        self.number, self.sdk = number, sdk

    @staticmethod
    async def new(number, server, folder):
        config = (nacos.ClientConfigBuilder().server_address(server).log_level("WARNING")
                  .log_dir(folder).cache_dir(folder).load_cache_at_start(False).build())
        return GRPC(number, await nacos.NacosNamingService.create_naming_service(config))

    async def run(self, words):
        group, service = split(words[1])
        service = {"service_name": service, "group_name": group}
        if words[0] in ("subscribe", "query"):
            service["clusters"] = words[2].split(",") if len(words) > 2 else []
        else:
            service.update(ip=words[2], port=int(words[3]))
        if words[0] == "subscribe":
            async def pushed(instances):
                show(self.number, "pushed", words[1], [i.ip for i in instances])
            await self.sdk.subscribe(nacos.SubscribeServiceParam(subscribe_callback=pushed, **service))
        elif words[0] == "query":
            return [i.ip for i in await self.sdk.list_instances(nacos.ListInstanceParam(subscribe=False, healthy_only=None, **service))]
        elif words[0] == "register":
            await self.sdk.register_instance(nacos.RegisterInstanceParam(metadata={"internal-set-name": words[4]}, **service))
        elif words[0] == "deregister":
            await self.sdk.deregister_instance(nacos.DeregisterInstanceParam(**service))
        else:
            raise ValueError("no command " + words[0])
        return []


class HTTP:
    """A client of version 1."""

    def __init__(self, number, sdk):
        self.number, self.sdk = number, sdk

    @staticmethod
    async def new(number, server, folder):
        return HTTP(number, nacos.NacosClient(server, logDir=folder))

    async def run(self, words):
        return await asyncio.to_thread(self.call, words)

    def call(self, words):
        group, service = split(words[1])
        if words[0] == "subscribe":
            # The SDK tells of each instance by itself, and not of the first list.
            # Each time this program asks for the list, and shows it if it is new.
            options = {"service_name": service, "group_name": group, "clusters": words[2] if len(words) > 2 else None}
            last = [None]

            def changed(*_):
                now = self.query(service, group, options["clusters"])
                if now != last[0]:
                    last[0] = now
                    show(self.number, "pushed", words[1], now)
            changed()
            self.sdk.subscribe(nacos.SubscribeListener(changed, words[1]), **options)
        elif words[0] == "query":
            return self.query(service, group, words[2] if len(words) > 2 else None)
        elif words[0] == "register":
            self.sdk.add_naming_instance(service, words[2], int(words[3]), group_name=group, heartbeat_interval=5,
                                         metadata={"internal-set-name": words[4]})
        elif words[0] == "deregister":
            self.sdk.remove_naming_instance(service, words[2], int(words[3]), group_name=group)
        else:
            raise ValueError("no command " + words[0])
        return []

    def query(self, service, group, clusters):
        return [i["ip"] for i in self.sdk.list_naming_instance(service, group_name=group, clusters=clusters)["hosts"]]


async def follow(client, commands):
    """Follows the commands of one client, in their order."""
    while True:
        words = await commands.get()
        try:
            show(client.number, words[0], words[1], await client.run(words))
        except Exception as e:  # whatever the SDK raises is what its user sees
            show(client.number, words[0], words[1], error=repr(e))


async def main():
    kind, queues, tasks = (GRPC if hasattr(nacos, "NacosNamingService") else HTTP), [], []
    for number, server in enumerate(sys.argv[2:]):
        folder = os.path.join(sys.argv[1], str(number))
        os.makedirs(folder, exist_ok=True)
        client = await kind.new(number, server, folder)
        show(number, "ready")
        queues.append(asyncio.Queue())
        tasks.append(asyncio.create_task(follow(client, queues[-1])))
    while True:
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            os._exit(0)
        for queue in queues:
            queue.put_nowait(line.split())


# The SDK may print on standard output, where only news may be.
out, sys.stdout = sys.stdout, sys.stderr
logging.basicConfig(level=logging.ERROR)
try:
    import v2.nacos as nacos
except ImportError:
    import nacos
    import nacos.listener
    nacos.SubscribeListener = nacos.listener.SubscribeListener
asyncio.run(main())
