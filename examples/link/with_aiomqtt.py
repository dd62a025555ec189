"""aiomqtt over a kept connection: aiomqtt speaks MQTT, the link watches over the socket.

aiomqtt's keepalive makes the broker talk, so silence means something: that is what ``heartbeat=b""`` says. It must be
shorter than the link's silence.

    pip install aiomqtt; python with_aiomqtt.py localhost 1883
"""

import asyncio
import logging
import sys

import aiomqtt

from halfopen.link.handover import local_path
from halfopen.link.on_asyncio import Link


async def main(host: str, port: int) -> None:
    async with Link(host, port, heartbeat=b"") as link:
        async for connection in link:
            async with (
                connection,
                local_path(connection, errors=(aiomqtt.MqttError,)) as path,
                aiomqtt.Client(path, transport="unix", keepalive=10) as client,
            ):
                while True:
                    await client.publish("home/temperature", "21.5", qos=1)
                    print("published", flush=True)
                    await asyncio.sleep(1)
            print("lost:", connection.lost, flush=True)


logging.basicConfig(level=logging.INFO, format="%(message)s")
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
