"""Clients in the peer's namespace that vanish: each asks one line, and when it was answered its packets are dropped.

No FIN and no RST of theirs reaches the server. Then one more client comes and asks until it is answered. Settings (JSON,
first argument): server, port, count, spacing_s, patience_s (of the last one). Prints one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from typing import Any

#: How long a client waits for its answer before it takes the server for starved (a SYN that found the backlog full is
#: repeated after 1 s), and between two tries.
_WAIT_S, _AGAIN_S = 1.5, 0.1

TABLE = """table inet {name} {{
 set ports {{ type inet_service; }}
 chain i {{ type filter hook input priority 0; tcp sport {port} tcp dport @ports drop; }}
 chain o {{ type filter hook output priority 0; tcp dport {port} tcp sport @ports drop; }}
}}
"""


async def ask(server: str, port: int) -> tuple[str, asyncio.StreamWriter | None]:
    """``served``, ``refused`` (with a farewell), ``hung`` or ``cut``; the connection is left open."""
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(server, port), _WAIT_S)
    except (OSError, TimeoutError):
        return "hung", None
    try:
        writer.write(b"hello\n")
        line = await asyncio.wait_for(reader.readline(), _WAIT_S)
    except TimeoutError:
        return "hung", writer
    except OSError:
        return "cut", writer
    return {b"got hello\n": "served", b"crowded\n": "refused"}.get(line, "cut"), writer


async def main(settings: dict[str, Any]) -> None:
    server, port = settings["server"], settings["port"]
    table = f"gone_{port}"
    subprocess.run(["nft", "-f", "-"], input=TABLE.format(name=table, port=port), text=True, check=True)
    # one process for all: a hundred would take the time of those who are measured
    nft = subprocess.Popen(["nft", "-i"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert nft.stdin is not None
    ends: Counter[str] = Counter()
    kept = []

    async def come_and_vanish() -> None:
        end, writer = await ask(server, port)
        ends[end] += 1
        if writer is not None:
            mine = writer.get_extra_info("sockname")[1]
            print(f"add element inet {table} ports {{ {mine} }}", file=nft.stdin, flush=True)
        kept.append(writer)  # open, so that nobody else gets its port

    clients = []
    for _ in range(settings["count"]):
        clients.append(asyncio.ensure_future(come_and_vanish()))
        await asyncio.sleep(settings["spacing_s"])
    await asyncio.gather(*clients)
    nft.communicate(timeout=10)  # now all of them have vanished
    began = time.monotonic()
    last = ""
    while last != "served" and time.monotonic() < began + settings["patience_s"]:
        last, writer = await ask(server, port)
        if writer is not None:
            writer.transport.abort()
        if last != "served":
            await asyncio.sleep(_AGAIN_S)
    print(json.dumps({"ends": ends, "last": last, "last_s": time.monotonic() - began}), flush=True)


asyncio.run(main(json.loads(sys.argv[1])))
