"""A sensor over MQTT 3.1.1 without a client library: three packets, and PINGREQ as the heartbeat.

python mqtt_sensor.py localhost 1883
"""

import asyncio
import logging
import sys

from halfopen.link.on_asyncio import Connection, Link

PINGREQ = b"\xc0\x00"
#: Seconds; the broker forgets us after one and a half times this, so it must be longer than the link's silence.
KEEP_ALIVE_S = 60


def text(value: str) -> bytes:
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def packet(kind: int, body: bytes) -> bytes:
    assert len(body) < 128  # one byte of length is enough here
    return bytes((kind, len(body))) + body


async def log_in(connection: Connection, name: str) -> None:
    connect = text("MQTT") + b"\x04\x02" + KEEP_ALIVE_S.to_bytes(2, "big") + text(name)
    await connection.write(packet(0x10, connect))
    connack = await connection.read_exactly(4, within_ms=5000)
    if connack != b"\x20\x02\x00\x00":
        raise SystemExit(f"the broker refused: {connack.hex()}")


async def main(host: str, port: int) -> None:
    async with Link(host, port, heartbeat=PINGREQ) as link:
        async for connection in link:
            async with connection:
                await log_in(connection, "sensor-1")
                while True:
                    await connection.write(packet(0x30, text("home/temperature") + b"21.5"))
                    print("published", flush=True)
                    await asyncio.sleep(1)
            print("lost:", connection.lost, flush=True)


logging.basicConfig(level=logging.INFO, format="%(message)s")
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
