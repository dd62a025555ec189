"""aiomqtt with the reconnecting loop of its documentation and a keepalive as short as the link's silence."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path

import aiomqtt
from speaking import obey, say

KEEP_ALIVE_S = 15


async def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    tls = ssl.create_default_context() if settings["tls"] else None
    loop = asyncio.get_running_loop()
    standing: list[aiomqtt.Client] = []
    writing: set[asyncio.Task[None]] = set()

    async def publish(size: int) -> None:
        try:
            await standing[-1].publish("t", b"x" * size, qos=1)
        except aiomqtt.MqttError:
            say("down")

    def send(size: int) -> None:
        loop.call_soon_threadsafe(lambda: writing.add(loop.create_task(publish(size))))

    say("started")
    obey(send)
    up = False
    while True:
        try:
            async with aiomqtt.Client(
                settings["host"], settings["port"], keepalive=KEEP_ALIVE_S, tls_context=tls
            ) as client:
                standing.append(client)
                up = True
                say("up")
                await client.subscribe("nothing")
                async for _ in client.messages:
                    pass
        except aiomqtt.MqttError:
            say("down" if up else "failed")
            up = False
            await asyncio.sleep(1)


asyncio.run(main())
