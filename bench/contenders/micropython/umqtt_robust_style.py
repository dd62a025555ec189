"""A minimal client in the style of umqtt.robust, which cannot be installed from a registry: blocking sockets without a
time limit, any error reconnects, and a message with QoS 1 waits for its acknowledgement for as long as it takes.
"""

import sys

sys.path[:0] = sys.argv[2:]

import socket
import ssl
import time

import words


class Client:
    def __init__(self, settings):
        self._settings = settings
        self._sock = None

    def connect(self):
        sock = socket.socket()
        try:
            sock.connect(socket.getaddrinfo(self._settings["host"], self._settings["port"])[0][-1])
            if self._settings["tls"]:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.verify_mode = ssl.CERT_NONE
                sock = context.wrap_socket(sock)
            sock.write(words.connect(0))
            if sock.read(4) != b"\x20\x02\x00\x00":
                raise OSError(-1)
        except OSError:
            sock.close()
            raise
        self._sock = sock

    def check(self):
        self._sock.setblocking(False)
        data = self._sock.read(1)
        self._sock.setblocking(True)
        if data == b"":
            raise OSError(-1)

    def publish(self, size):
        self._sock.write(words.publish(size))
        if self._sock.read(4)[:1] != b"\x40":
            raise OSError(-1)


def main(settings):
    client, commands, up = Client(settings), words.Commands(), False
    words.say("started")
    while True:
        try:
            if not up:
                client.connect()
                up = True
                words.say("up")
            size = commands.size()
            if size:
                client.publish(size)
            client.check()
        except OSError:
            words.say("down" if up else "failed")
            up = False
            time.sleep(2)
        time.sleep_ms(50)


main(words.settings())
