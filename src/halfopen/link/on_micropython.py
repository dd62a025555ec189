"""The driver for MicroPython on the ESP32: non-blocking sockets and poll carry out what the keeper decides.

Nothing here blocks longer than it is told to: names are asked of the DNS server over a socket of the link's own, because
getaddrinfo would stop the whole board for as long as the resolver likes. Stock firmware cannot set keepalive (setsockopt
takes what it does not know and reports success), so no option is set unless the module ``halfopen_keepalive`` is built in;
without it the heartbeat is the detector, and :meth:`Link.bound` says what that means.

The rest of stock firmware's holes: there is no shutdown, poll reports HUP only where it was asked for, and ``ticks_ms``
wraps.
"""

import errno
import gc
import random
import select
import socket
import sys
import time

from halfopen.link import machine
from halfopen.link.blocking import Connection, Lost
from halfopen.link.capability import Capability
from halfopen.link.driver import Driver
from halfopen.link.ledger import Ledger
from halfopen.link.names import Lookup
from halfopen.link.policy import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from halfopen.link.journal import Change
    from halfopen.link.wlan import Wlan

__all__ = ("Connection", "Link", "Lost", "Policy")

try:
    import halfopen_keepalive  # type: ignore[import-not-found]
except ImportError:
    halfopen_keepalive = None

#: Bytes read at once: one segment (lwIP's MSS is 1440).
_RECEIVE_BYTES = 1440
#: How often the radio is looked at, and how long a wait lasts at most, so that a watchdog is fed in between.
_LOOK_MS = 200
#: close() only queues the FIN; before the radio goes dark the stack needs a moment to send it. Not tried on hardware.
PARTING_FIN_MS = 100
#: MP_STREAM_POLL_RD, _WR, _ERR and _HUP of MicroPython's py/stream.h: the same on every port.
_READABLE = 1
_WRITABLE = 4
_BROKEN = 24  # ERR or HUP
#: What is too large to be internal memory (520 KB in all) is PSRAM, which network buffers cannot use.
_INTERNAL_MAX = 524288


def free_memory() -> "tuple[int | None, int | None]":
    """Bytes free in the ESP-IDF heap, PSRAM left out, and the largest block; ``None`` where the port cannot tell."""
    try:
        import esp32  # type: ignore[import-not-found]
    except ImportError:
        return gc.mem_free(), None  # type: ignore[attr-defined]
    free = largest = 0
    for total, left, block, _ in esp32.idf_heap_info(esp32.HEAP_DATA):
        if total < _INTERNAL_MAX:
            free, largest = free + left, max(largest, block)
    return free, largest


def of_this_board(*, wifi: bool, reboot: bool) -> Capability:
    """What MicroPython lets a program do here."""
    return Capability(
        stack="lwip" if sys.platform == "esp32" else "other",
        keepalive="tuned" if halfopen_keepalive else "none",
        linger=hasattr(halfopen_keepalive, "linger"),
        pollhup=True,
        wifi=wifi,
        reboot=reboot,
    )


def set_keepalive(sock: "Any", policy: Policy) -> None:
    """Set keepalive on a fresh socket, with a firmware that can. Raises :class:`OSError`."""
    halfopen_keepalive.set(sock.fileno(), policy.keep_idle_s, policy.keep_interval_s, policy.keep_count)


def prepare(sock: "Any", policy: Policy) -> None:
    """Make a fresh socket non-blocking, and set keepalive where the firmware can. Raises :class:`OSError`."""
    sock.setblocking(False)
    if halfopen_keepalive is not None:
        set_keepalive(sock, policy)


class Link(Driver):
    """Keeps one connection to ``host:port`` standing; ``for connection in link`` yields one per success.

    ``heartbeat`` is what the peer answers whatever it is doing (``b"\\xc0\\x00"`` for MQTT); ``b""`` says that the
    application above keeps the peer talking by itself, so that silence means something; ``None`` that it does not.
    ``radio`` is a :class:`halfopen.link.wlan.Wlan`; without it Wi-Fi is the program's. ``tls`` is an ``ssl.SSLContext``.
    ``reboot`` is the last escalation, where given: it stores :attr:`reboots_ago_ms` and resets; the next boot gives them
    back, so that the budget outlives the reset. ``feed`` (``wdt.feed``) is called
    several times a second while the link waits. ``resolver`` is the DNS server's address (default: the lease's).
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        policy: "Policy | None" = None,
        heartbeat: "bytes | None" = None,
        tls: "Any" = None,
        server_name: "str | None" = None,
        radio: "Wlan | None" = None,
        reboot: "Callable[[], Any] | None" = None,
        reboots_ago_ms: "tuple[int, ...]" = (),
        say: "Callable[[str], Any]" = print,
        memory: "Callable[[], tuple[int | None, int | None]]" = free_memory,
        chance: "Callable[[], float]" = random.random,
        feed: "Callable[[], Any] | None" = None,
        resolver: str = "",
    ) -> None:
        able = of_this_board(wifi=radio is not None, reboot=reboot is not None)
        name = host if server_name is None else server_name
        super().__init__(
            policy, able, heartbeat, tls, name, say, memory, chance, Ledger(), reboot, reboots_ago_ms,
            host if host.replace(".", "").isdigit() else "",
        )  # fmt: skip
        self._host, self._port, self._radio, self._feed = host, port, radio, feed
        self._resolver = resolver
        self._lookup: Lookup | None = None
        self._lookup_ticket = 0
        self._own_ip = ""
        self._looked = 0
        self._clock, self._ticks = 0, time.ticks_ms()  # type: ignore[attr-defined]
        self._poll: Any = select.poll()
        self._buffer = bytearray(_RECEIVE_BYTES)
        self._yielded: Connection | None = None

    def __enter__(self) -> "Link":
        self._begin()
        return self

    def __exit__(self, kind: "Any", error: "Any", trace: "Any") -> None:
        self._tell(machine.STOPPED)
        self.ledger.sweep()

    def __iter__(self) -> "Link":
        return self

    def __next__(self) -> Connection:
        """The next connection; one still held from the last round is closed first. Waits for as long as it takes."""
        while (found := self.try_next()) is None:
            if self._keeper.state == machine.IDLE:
                raise StopIteration
            self.step(_LOOK_MS)
        return found

    @property
    def peer(self) -> str:
        """``host:port`` as it is dialed."""
        return f"{self._host}:{self._port}"

    def try_next(self) -> "Connection | None":
        """The next connection if it stands already; one still held from the last round is closed first."""
        if self._yielded is not None:
            self._yielded.close()
            self._yielded = None
        self._yielded = self._connection  # type: ignore[assignment]
        return self._yielded

    def prepare_sleep(self) -> None:
        """Close in order and stay down until :meth:`wake`, so that the peer holds no half-open session."""
        self._tell(machine.SLEEP_ASKED)
        while self._keeper.state == machine.RETIRING:
            self.step(_LOOK_MS)
        time.sleep_ms(PARTING_FIN_MS)  # type: ignore[attr-defined]

    def now(self) -> int:
        """Milliseconds since the link was made; ``ticks_ms`` wraps after 12 days, this does not."""
        ticks = time.ticks_ms()  # type: ignore[attr-defined]
        self._clock += time.ticks_diff(ticks, self._ticks)  # type: ignore[attr-defined]
        self._ticks = ticks
        return self._clock

    def step(self, wait_ms: int = 0) -> None:
        """Wait at most ``wait_ms`` for something to happen, and do what is due.

        A program that does other work calls it at least every 100 ms or so; reads and writes call it by themselves.
        """
        if self._feed is not None:
            self._feed()
        if self._radio is not None:
            self._look_at_radio()
        self._time_came()
        if self._lookup is not None:
            wait_ms = min(wait_ms, self._lookup.ask_again(self.now()))
        wait = max(0, min(wait_ms, _LOOK_MS, self._due_at() - self.now()))
        for watched, flags in self._poll.poll(int(wait)):
            if watched is self._sock:
                self._ready(flags)
            elif self._lookup is not None:
                self._name_answered()
        self._time_came()

    # What differs from other ports.

    def _guarded(self, call: "Callable[..., Any]", *given: "Any") -> "Any":
        try:
            return call(*given)
        except Exception as error:
            sys.print_exception(error)  # type: ignore[attr-defined]
            return None

    def _observe(self, change: "Change") -> None:
        if self._lookup is not None:
            self._end_lookup()  # answered, or too late
        super()._observe(change)

    def _detail(self, change: "Change") -> str:
        return "" if self._radio is None else self._reason_of(change)

    def _reason_of(self, change: "Change") -> str:
        reasons = (machine.WIFI_LOST, machine.JOIN_FAILED, machine.JOIN_EXPIRED)
        return f"reason={self._radio.reason()}" if change.event in reasons else ""  # type: ignore[union-attr]

    # The radio.

    def _look_at_radio(self) -> None:
        radio, state, now = self._radio, self._keeper.state, self.now()
        assert radio is not None
        if now - self._looked < _LOOK_MS:
            return
        self._looked = now
        if state == machine.JOINING:
            joined = radio.joined()
            if joined is not None:
                self._tell(machine.JOINED if joined else machine.JOIN_FAILED)
        elif state == machine.LEASING:
            self._own_ip = radio.address()
            if self._own_ip:
                self._tell(machine.LEASE_OBTAINED)
        elif state in machine.ADDRESSED:
            ip = radio.address()
            if not ip:
                if radio.dozed_off():
                    self.radio_trouble()
                self._tell(machine.WIFI_LOST)
            elif ip != self._own_ip:
                self.roamed(self._own_ip, ip)
                self._own_ip = ip

    def _join_wifi(self) -> None:
        if self._radio is None:
            self._reply(machine.JOINED)
        else:
            self._begin_to_join()

    def _begin_to_join(self) -> None:
        if self._guarded(self._radio.join) is False:  # type: ignore[union-attr]
            self._reply(machine.JOIN_FAILED)

    def _await_lease(self) -> None:
        if self._radio is None:
            self._reply(machine.LEASE_OBTAINED)

    def _leave_wifi(self) -> None:
        if self._radio is not None:
            self._guarded(self._radio.leave)

    def _disable_power_save(self) -> None:
        if self._radio is not None:
            self._guarded(self._radio.disable_power_save)

    def _check_heap(self) -> None:
        gc.collect()
        super()._check_heap()

    # The name.

    def _look_up(self) -> None:
        server = self._resolver or (self._radio.resolver() if self._radio is not None else "")
        try:
            self._lookup = Lookup(self._host, server, self.now())
        except OSError:
            self._reply(machine.NAME_FAILED)
            return
        self._lookup_ticket = self.ledger.enter(self._lookup, "dns")
        self._poll.register(self._lookup.sock, _READABLE)

    def _name_answered(self) -> None:
        assert self._lookup is not None
        answer = self._lookup.answer()
        if answer is None:
            return
        if answer:
            self._name_found(answer)
        else:
            self._tell(machine.NAME_UNKNOWN)

    def _end_lookup(self) -> None:
        self._poll.unregister(self._lookup.sock)  # type: ignore[union-attr]
        self._lookup = None
        self.ledger.close(self._lookup_ticket)

    # The socket.

    def _open_socket(self) -> None:
        try:
            sock = socket.socket()
        except OSError as error:
            self._no_socket(error)
        else:
            self._own_socket(sock)

    def _connect_socket(self) -> None:
        sock = self._sock
        try:
            sock.setblocking(False)
            if halfopen_keepalive is not None:
                self._set_keepalive()
            sock.connect(socket.getaddrinfo(self._known, self._port)[0][-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                self._failed(machine.DIAL_FAILED, error)
                return
        self._poll.register(sock, _WRITABLE | _BROKEN)

    def _set_keepalive(self) -> None:
        set_keepalive(self._sock, self.policy)

    def _abandon(self, sock: "Any") -> None:
        if self.capability.linger:
            self._abort()

    def _abort(self) -> None:
        """Have the close leave no PCB that retransmits for 19 minutes."""
        halfopen_keepalive.linger(self._sock.fileno())

    def _open_channel(self) -> "Any":
        from halfopen.link.tls_on_micropython import TlsChannel

        return TlsChannel(self._tls, self._server_name)

    def _make_connection(self) -> Connection:
        return Connection(self, self.peer, self._own_ip)

    def _watch_for(self, reads: bool, writes: bool) -> None:
        wanted = (_READABLE if reads else 0) | (_WRITABLE if writes else 0)
        self._poll.register(self._sock, wanted | _BROKEN)

    def _unwatch(self) -> None:
        self._poll.unregister(self._sock)

    def _ready(self, flags: int) -> None:
        """poll said something of the socket."""
        dialing = self._keeper.state == machine.DIALING
        if dialing and not flags & _BROKEN:
            self._dialed()
            return
        if flags & ~_WRITABLE:
            try:
                size = self._sock.readinto(
                    self._buffer
                )  # there is no getsockopt to ask why a dial failed either
                if dialing:
                    raise OSError(errno.ECONNREFUSED)
            except OSError as error:
                self._failed(machine.DIAL_FAILED if dialing else machine.SOCKET_FAILED, error)
                return
            if size is not None:
                self._received(memoryview(self._buffer)[:size])
        if flags & _WRITABLE and self._sock is not None:
            self._pump()
