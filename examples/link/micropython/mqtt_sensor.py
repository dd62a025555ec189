"""A sensor on an ESP32 with MicroPython over MQTT 3.1.1: three packets written here, and PINGREQ as the heartbeat.

umqtt.simple makes and keeps a socket of its own, so it cannot speak over a kept connection; for publishing it is not
missed. Copy this to the board as main.py; SSID and the rest are yours to change. On a computer, with MicroPython's Unix
port: ``micropython mqtt_sensor.py 127.0.0.1 1883``. Not tried on hardware.
"""

import sys
import time

from halfopen.link.on_micropython import Link

SSID, KEY = "Workshop", "the password on the router"
HOST, PORT = "192.168.1.20", 1883
NAME, TOPIC = "sensor-1", "home/temperature"

PINGREQ = b"\xc0\x00"
#: Seconds; the broker forgets us after one and a half times this, so it must be longer than the link's silence.
KEEP_ALIVE_S = 60


class Refused(Exception):
    """The broker does not want this client; the connection is closed, and the next one asks again."""


def text(value):
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def packet(kind, body):
    if len(body) > 127:
        raise ValueError("one byte of length is all this example writes")
    return bytes((kind, len(body))) + body


def log_in(connection):
    connect = text("MQTT") + b"\x04\x02" + KEEP_ALIVE_S.to_bytes(2, "big") + text(NAME)
    connection.write(packet(0x10, connect))
    connack = connection.read_exactly(4, within_ms=5000)
    if connack != b"\x20\x02\x00\x00":
        raise Refused(connack[3])


def publish(connection, value):
    """At most once (QoS 0). What the broker sends, that is PINGRESP, is read and dropped so that it does not pile up."""
    connection.write(packet(0x30, text(TOPIC) + value))
    if connection.unread_bytes:
        connection.read()


def wait(link, milliseconds):
    until = time.ticks_add(time.ticks_ms(), milliseconds)
    while (left := time.ticks_diff(until, time.ticks_ms())) > 0:
        link.step(left)


def main(host, port, radio):
    with Link(host, port, heartbeat=PINGREQ, radio=radio) as link:
        for connection in link:
            try:
                with connection:
                    log_in(connection)
                    while True:
                        publish(connection, b"21.5")
                        print("published")
                        wait(link, 1000)
            except Refused as reason:
                print("the broker refused:", reason)
                wait(link, 10000)
            print("lost:", connection.lost)


if len(sys.argv) > 2:
    main(sys.argv[1], int(sys.argv[2]), None)
else:
    from halfopen.link.wlan import Wlan

    main(HOST, PORT, Wlan(SSID, KEY))
