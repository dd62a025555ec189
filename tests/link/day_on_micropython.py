"""A day on MicroPython in virtual time, a fault each minute: ``day_on_micropython.py HOURS SEED FOLDER…``.

The link is the one that ships; its clock, its sockets and its Wi-Fi are a world that this program makes, so that a day
passes in seconds. Prints the heap in use after a warm-up and at the end, and what was lost and how often.
"""

import sys

hours, seed = int(sys.argv[1]), int(sys.argv[2])
sys.path[:0] = sys.argv[3:]

import errno
import gc

NEVER = 1 << 60
MINUTE_MS = 60000
WARM_MS = 120 * MINUTE_MS  # by then every fault was met, so every table has its size


class World:
    """Virtual time, and the peer's mood."""

    now = 0
    mood = "well"
    #: Bytes on their way to the device.
    incoming = []
    sockets = 0


class VirtualTime:
    @staticmethod
    def ticks_ms():
        return World.now & 0x3FFFFFFF  # wraps as on the ESP32, every 12 days

    @staticmethod
    def ticks_diff(a, b):
        return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    @staticmethod
    def sleep_ms(ms):
        World.now += ms


class Socket:
    def __init__(self, family=2, kind=1):
        if World.mood == "no descriptors":
            raise OSError(23)
        if World.mood == "no memory":
            raise OSError(105)
        World.sockets += 1
        self.kind = kind
        self.connected = False
        self.incoming = []
        self.open = True

    def fileno(self):
        return 54 + World.sockets

    def setblocking(self, on):
        pass

    def connect(self, address):
        self.connected = True
        raise OSError(errno.EINPROGRESS)

    def send(self, data):
        if World.mood in ("window zero", "dead"):
            if World.mood == "window zero":
                raise OSError(errno.EAGAIN)
            return len(data)
        self.incoming.append(bytes(data))
        return len(data)

    def sendto(self, data, address):
        if World.mood != "names dead":
            header = data[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
            self.incoming.append(
                header + data[12:] + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x07"
            )

    def recvfrom(self, size):
        return self.incoming.pop(0), ("10.0.0.1", 53)

    def readinto(self, buffer):
        if World.mood == "reset":
            raise OSError(errno.ECONNRESET)
        if World.mood == "closed":
            return 0
        if World.mood == "refused":
            raise OSError(errno.ECONNREFUSED)
        if not self.incoming:
            return None
        data = self.incoming.pop(0)
        buffer[: len(data)] = data
        return len(data)

    def close(self):
        if self.open:
            World.sockets -= 1
            self.open = False


class Sockets:
    AF_INET, SOCK_STREAM, SOCK_DGRAM = 2, 1, 2
    socket = Socket

    @staticmethod
    def getaddrinfo(host, port):
        return [(2, 1, 0, "", (host, port))]


class Poll:
    def __init__(self):
        self.watched = {}

    def register(self, sock, flags):
        self.watched[id(sock)] = (sock, flags)

    def unregister(self, sock):
        self.watched.pop(id(sock), None)

    def poll(self, wait):
        ready = []
        for sock, flags in self.watched.values():
            broken = World.mood in ("reset", "closed", "refused") and sock.kind == 1
            if broken:
                ready.append((sock, Select.POLLHUP))
            elif sock.incoming and flags & Select.POLLIN:
                ready.append((sock, Select.POLLIN))
            elif flags & Select.POLLOUT and World.mood not in ("window zero", "dead"):
                ready.append((sock, Select.POLLOUT))
        World.now += 1 if ready else max(wait, 1)
        return ready


class Select:
    POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16
    poll = Poll


class Radio:
    """Wi-Fi as ``link.wlan`` shows it."""

    def join(self):
        return World.mood != "wifi lost"

    def joined(self):
        return None if World.mood == "wifi lost" else True

    def address(self):
        return "" if World.mood == "wifi lost" else "10.0.0.2"

    def resolver(self):
        return "10.0.0.1"

    def dozed_off(self):
        return True

    def reason(self):
        return 200

    def leave(self):
        pass

    def disable_power_save(self):
        pass


sys.modules["time"], sys.modules["socket"], sys.modules["select"] = VirtualTime, Sockets, Select

from halfopen.link.on_micropython import Link, Lost, Policy

MOODS = (
    "dead",
    "reset",
    "window zero",
    "closed",
    "refused",
    "no descriptors",
    "no memory",
    "names dead",
    "wifi lost",
    "short of heap",
)
losses = {}


class Dice:
    """A linear congruential generator (Numerical Recipes' constants): the same on every port."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return self.state / 4294967296


def free_memory():
    return (20000, 3000) if World.mood == "short of heap" else (120000, 60000)


def in_use():
    gc.collect()
    return gc.mem_alloc()


dice = Dice(seed)
fault_at, heal_at, faults = MINUTE_MS, NEVER, 0
warm = None
link = Link(
    "collector.lan",
    7007,
    heartbeat=b"\n",
    radio=Radio(),
    reboot=lambda: None,
    chance=dice,
    memory=free_memory,
    say=lambda line: None,
    policy=Policy(backoff_max_ms=8000),
)
with link:
    connection = None
    while World.now < hours * 60 * MINUTE_MS:
        if World.now >= fault_at:
            World.mood = MOODS[int(dice() * len(MOODS))]
            faults += 1
            fault_at, heal_at = fault_at + MINUTE_MS, World.now + 1000 + int(dice() * 40000)
        if World.now >= heal_at:
            World.mood, heal_at = "well", NEVER
            if warm is None and World.now >= WARM_MS:
                warm = in_use()
        link.step(1000)
        if connection is None or connection.lost is not None:
            if connection is not None:
                losses[connection.lost] = losses.get(connection.lost, 0) + 1
            connection = link.try_next()
        if connection is not None and connection.lost is None:
            try:
                if connection.unread_bytes:
                    connection.read()
                if dice() < 0.02:
                    connection.start_write(b"21.5\n")
            except Lost:
                pass
    connection = None
    World.mood = "well"
    end = in_use()
    print("warm", warm, "end", end)
    print("faults", faults, "held", len(link.ledger), "sockets", World.sockets, "swept", link.ledger.swept)
    print("lost", sum(losses.values()), sorted(losses))
print("after", World.sockets, len(link.ledger))
