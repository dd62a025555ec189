"""A sensor on an ESP32 with MicroPython that writes a reading a second over TCP and outlives the network.

Copy it to the board as main.py; SSID and the rest are yours to change. On a computer with MicroPython's Unix port, where
Wi-Fi is the computer's own business: ``micropython tcp_sensor.py 127.0.0.1 7007`` against ``ncat -lk -e /bin/cat 7007``.
Not tried on hardware.
"""

import sys
import time

from halfopen.link.on_micropython import Link

SSID, KEY = "Workshop", "the password on the router"
HOST, PORT = "192.168.1.20", 7007


def measure():
    return b"21.5 C\n"


def wait(link, milliseconds):
    """Let the link go on meanwhile: it beats, looks at Wi-Fi, and feeds a watchdog that it was given."""
    until = time.ticks_add(time.ticks_ms(), milliseconds)
    while (left := time.ticks_diff(until, time.ticks_ms())) > 0:
        link.step(left)


def main(host, port, radio):
    # the peer answers an empty line with an empty line: that is the heartbeat
    with Link(host, port, heartbeat=b"\n", radio=radio) as link:
        print("a dead peer is noticed within", link.bound("unacked"), "s")
        for connection in link:
            with connection:
                while True:
                    connection.write(measure())
                    answer = connection.read_until(within_ms=5000)
                    print("stored:", answer.decode().strip())
                    wait(link, 1000)
            print("lost:", connection.lost)


if len(sys.argv) > 2:
    main(sys.argv[1], int(sys.argv[2]), None)
else:
    from halfopen.link.wlan import Wlan

    main(HOST, PORT, Wlan(SSID, KEY))
