"""A sensor that writes a reading a second over TCP and outlives whatever happens to the network.

The peer answers an empty line with an empty line: that is the heartbeat. Try it against ``ncat -lk -e /bin/cat 7007``:

    python tcp_sensor.py localhost 7007
"""

import asyncio
import logging
import sys

from halfopen.link.on_asyncio import Link


def measure() -> bytes:
    return b"21.5 C\n"


async def main(host: str, port: int) -> None:
    async with Link(host, port, heartbeat=b"\n") as link:
        print("a dead peer is noticed within", link.bound("unacked"), "s")
        async for connection in link:
            async with connection:
                while True:
                    await connection.write(measure())
                    answer = await connection.read_until(within_ms=5000)
                    print("stored:", answer.decode().strip(), flush=True)
                    await asyncio.sleep(1)
            print("lost:", connection.lost, flush=True)


logging.basicConfig(level=logging.INFO, format="%(message)s")
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
