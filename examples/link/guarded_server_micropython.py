"""A status page on MicroPython that vanished, slow and greedy clients cannot take down.

On an ESP32 join Wi-Fi first; on a computer try it with the Unix port, from a folder that holds ``halfopen``:

    micropython guarded_server_micropython.py 0.0.0.0 8080
"""

import gc
import sys

from halfopen.link.guard_on_micropython import Guard

FAREWELL = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 5\r\n\r\nbusy\n"


def status(client, data):
    client.rest += data
    if not data:
        client.answer_within(5000)  # for the whole request: a byte now and then does not help
    elif b"\r\n\r\n" in client.rest:
        page = b"%d of %d sessions, %d bytes free\n" % (
            len(guard.core.sessions),
            guard.core.cap,
            gc.mem_free(),
        )
        client.send(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page))
        client.send(page)
        client.close()
    elif len(client.rest) > 2000:
        client.close()  # no request that we know is as long


guard = Guard(sys.argv[1], int(sys.argv[2]), status, farewell=FAREWELL, heartbeat=b"")
guard.start()
while True:
    guard.serve_once(1000)
