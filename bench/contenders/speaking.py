"""What every contender says and hears: JSON lines out, commands (``send N``, ``quit``) in."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable


def say(what: str) -> None:
    """``up`` when a connection stands, ``down`` when it ended, ``failed`` when an attempt failed."""
    print(json.dumps({"what": what, "at": time.monotonic()}), flush=True)


def obey(send: Callable[[int], None]) -> None:
    """Call ``send`` (in a thread) for every ``send N`` on standard input."""

    def listen() -> None:
        for line in sys.stdin:
            verb, _, rest = line.strip().partition(" ")
            if verb == "send":
                send(int(rest))

    threading.Thread(target=listen, daemon=True).start()
