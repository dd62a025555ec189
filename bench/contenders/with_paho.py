"""paho-mqtt with its own loop thread and a keepalive as short as the link's silence."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from speaking import obey, say

KEEP_ALIVE_S = 15


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    if settings["tls"]:
        client.tls_set()

    def told(what: str) -> Any:
        return lambda *_: say(what)

    client.on_connect = told("up")
    client.on_disconnect = told("down")
    client.on_connect_fail = told("failed")
    say("started")
    client.connect_async(settings["host"], settings["port"], KEEP_ALIVE_S)
    client.loop_start()
    obey(lambda size: client.publish("t", b"x" * size, qos=1))
    threading.Event().wait()


main()
