"""The third driver of :mod:`halfopen.link`: the same keeper on the twin's lwIP, in virtual time.

Sockets never wait; readiness and deadlines come as events of the world. A firmware's task holds a :class:`Connection`
and waits with ``yield from``. Errors reach the link by name: newlib numbers them otherwise than the computer that runs
the twin.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from halfopen.link import machine
from halfopen.link.buffered import Buffered
from halfopen.link.capability import Capability
from halfopen.link.driver import Driver
from halfopen.link.names import answer_in, literal, question
from halfopen.link.policy import NEVER, Policy
from halfopen.twin.lwip import names
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.tasks import Condition, Wait, wait
from halfopen.twin.world import MS, Timer

if TYPE_CHECKING:
    from halfopen.link.journal import Change
    from halfopen.link.tls import TlsChannel
    from halfopen.twin.device import Device
    from halfopen.twin.lwip.sockets import Sockets

#: Bytes kept for a task that does not read, as on a device (``link.blocking``).
UNREAD_BYTES_MAX = 4096
_RECEIVE_BYTES = 1440
_DNS_PORT = 53
#: A question is repeated after a second, two, four … (``link.names`` does the same).
_ASK_AGAIN_NS = 1000 * MS
_DATAGRAM_BYTES = 512
_ANSWERED = names.POLLOUT | names.POLLERR


def _as_host(error: SocketError) -> OSError:
    """The same error by the number that this computer gives it."""
    return OSError(getattr(errno, error.name, error.errno or 0), error.strerror)


class Socket:
    """A descriptor of the twin as an object, as ``socket.socket`` is one."""

    def __init__(self, sockets: Sockets, kind: int = names.STREAM, fd: int | None = None) -> None:
        """``fd`` is a descriptor that was accepted. Raises :class:`OSError` when there is none."""
        try:
            self._fd = sockets.socket(kind) if fd is None else fd
        except SocketError as error:
            raise _as_host(error) from None
        self._sockets = sockets
        sockets.set_nonblocking(self._fd)

    def fileno(self) -> int:
        """Its number."""
        return self._fd

    def _call(self, call: Callable[..., Any], *given: Any) -> Any:
        try:
            return call(self._fd, *given)
        except SocketError as error:
            raise _as_host(error) from None

    def connect(self, ip: str, port: int) -> None:
        """Begin to connect. Raises :class:`OSError`, EINPROGRESS when all is well."""
        self._call(self._sockets.connect, ip, port)

    def send(self, data: bytes | memoryview) -> int:
        """How many bytes were taken. Raises :class:`OSError`."""
        return int(self._call(self._sockets.send, bytes(data)))

    def recv(self, size: int) -> bytes:
        """What came, empty after the peer's FIN. Raises :class:`OSError`."""
        return bytes(self._call(self._sockets.recv, size))

    def shutdown(self, how: int) -> None:
        """Raises :class:`OSError`."""
        self._call(self._sockets.shutdown, how)

    def set(self, option: int, value: int) -> None:
        """Set an option. Raises :class:`OSError`."""
        self._call(self._sockets.setsockopt, option, value)

    def keepalive(self, idle_s: int, interval_s: int, count: int) -> None:
        """Switch it on. Raises :class:`OSError`."""
        self.set(names.SO_KEEPALIVE, 1)
        self.set(names.TCP_KEEPIDLE, idle_s)
        self.set(names.TCP_KEEPINTVL, interval_s)
        self.set(names.TCP_KEEPCNT, count)

    def listen(self, port: int, backlog: int) -> None:
        """Listen on ``port``. Raises :class:`OSError`."""
        self.set(names.SO_REUSEADDR, 1)
        self._call(self._sockets.bind, port)
        self._call(self._sockets.listen, backlog)

    def accept(self) -> tuple[Socket, str]:
        """The next client and its ``host:port``. Raises :class:`OSError`."""
        fd, (ip, port) = self._call(self._sockets.accept)
        return Socket(self._sockets, fd=fd), f"{ip}:{port}"

    def error(self) -> int:
        """SO_ERROR by this computer's numbers; reading consumes it."""
        number = self._sockets.getsockopt(self._fd, names.SO_ERROR)
        return _as_host(SocketError(number)).errno or 0 if number else 0

    def local_port(self) -> int:
        """Our port of the connection. Raises :class:`OSError`."""
        return int(self._call(self._sockets.getsockname)[1])

    def ready(self) -> int:
        """What ``poll`` would say."""
        return self._sockets.ready(self._fd)

    def when_ready(self, told: Callable[[int], object] | None) -> None:
        """Have ``told`` called when readiness may have changed."""
        self._sockets.when_ready(self._fd, told)

    def close(self) -> None:
        """Close it."""
        self._call(self._sockets.close)


class Lost(ConnectionError):
    """The connection ended; ``cause`` says why, as ``link.policy`` names it."""

    def __init__(self, connection: Connection) -> None:
        self.cause = connection.lost or ""
        super().__init__(f"connection to {connection.peer} lost: {self.cause}")


class Connection(Buffered):
    """One connection as a task of the twin uses it: every method that waits is a generator."""

    def __init__(self, carrier: Link, peer: str, local: str) -> None:
        super().__init__(carrier, peer, local, UNREAD_BYTES_MAX)
        self._changed = Condition()

    def write(self, data: bytes) -> Generator[Wait, bool, None]:
        """Wait until the socket took all of ``data``. Raises :class:`Lost`."""
        if self.lost is not None:
            raise Lost(self)
        if data:
            end = self._carrier.send(self, data)
            yield from self._until(lambda: self._accepted >= end)

    def read(self, limit: int = UNREAD_BYTES_MAX, within_ms: float = NEVER) -> Generator[Wait, bool, bytes]:
        """At least one byte, ``within_ms``. Raises :class:`Lost` when all that came was read."""
        yield from self._until(self._has(1), within_ms)
        return self._take(min(limit, self.unread_bytes))

    def read_exactly(self, size: int, within_ms: float = NEVER) -> Generator[Wait, bool, bytes]:
        """``size`` bytes, all of them ``within_ms``. Raises :class:`Lost`."""
        yield from self._until(self._has(size), within_ms)
        return self._take(size)

    def _until(self, done: Callable[[], bool], within_ms: float = NEVER) -> Generator[Wait, bool, None]:
        due = self._expect(within_ms)
        try:
            while not done():
                if self.lost is not None:
                    raise Lost(self)
                yield from wait("link", self._changed)
        finally:
            self._no_longer_expect(due)

    def _wake(self) -> None:
        self._changed.notify()


class Link(Driver):
    """Keeps one connection of ``device`` to ``host:port`` standing.

    ``keepalive`` says whether this port can set it (a C component, or MicroPython with one); stock MicroPython cannot,
    and has no ``shutdown`` either. ``reboot`` is the last escalation, where given. The rest is as in
    :class:`halfopen.link.on_micropython.Link`.
    """

    def __init__(
        self,
        device: Device,
        host: str,
        port: int,
        *,
        policy: Policy | None = None,
        heartbeat: bytes | None = None,
        tls: Any = None,
        keepalive: bool = True,
        reboot: Callable[[], None] | None = None,
        say: Callable[[str], Any] | None = None,
    ) -> None:
        able = Capability(
            stack="lwip",
            keepalive="tuned" if keepalive else "none",
            linger=keepalive and device.stack.options.linger,
            shutdown=keepalive,
            wifi=True,
            reboot=reboot is not None,
        )
        self._tuned = keepalive  # only C can set it, and C has getsockname, too
        self._device, self._world = device, device.world
        self._sockets = device.stack.sockets
        chance = device.world.chance(f"link of {device.name}")
        memory = self._free_memory
        say = say or device.console.print
        super().__init__(
            *(policy, able, heartbeat, tls, host, say, memory, chance.random, None, reboot, ()), literal(host)
        )
        self._host, self._port = host, port
        self._began = self._world.now
        self._timer: Timer | None = None
        self._look_timer: Timer | None = None
        self._lookup: _Lookup | None = None
        self._lookup_ticket = 0
        self._yielded: Connection | None = None
        self._news = Condition()
        self._ended = False
        #: Told every change of the machine.
        self.observers: list[Callable[[Change], object]] = []

    # What a task sees ---------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Enter the link: it joins, dials and goes on until :meth:`stop`."""
        self._device.on_radio.append(self._radio_changed)
        self._device.on_stop.append(self._vanish)
        self._begin()

    def stop(self) -> None:
        """Leave the link: everything it holds is given back."""
        self._tell(machine.STOPPED)
        self._end_lookup()
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.ledger.sweep()
        self._news.notify()

    def _vanish(self) -> None:
        """The chip stops: nothing of this link happens any more, and nobody is told."""
        self._ended = True
        for timer in (self._timer, self._look_timer):
            if timer is not None:
                timer.cancel()
        if self._lookup is not None:
            self._lookup.vanish()

    def connection(self) -> Generator[Wait, bool, Connection]:
        """The next connection; one still held from the last round is closed first."""
        if self._yielded is not None:
            self._yielded.close()
            self._yielded = None
        while self._connection is None:
            yield from wait("link", self._news)
        assert isinstance(self._connection, Connection)
        self._yielded = self._connection
        return self._yielded

    def now(self) -> int:
        """Milliseconds since the link was made, rounded up so that a deadline that has come is seen."""
        return -((self._began - self._world.now) // MS)

    # What differs from other ports --------------------------------------------------------------------------

    def _free_memory(self) -> tuple[int | None, int | None]:
        heap = self._device.heap
        return heap.free, heap.largest

    def _guarded(self, call: Callable[..., Any], *given: Any) -> Any:
        return call(*given)

    def _could_not(self, effect: str, error: Exception) -> None:
        raise error  # on a device the link goes on; in the twin a defect wants to be seen

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._due_at()
        if at < NEVER and not self._ended:
            self._timer = self._world.at(self._began + int(at * MS), self._time_came)

    def _observe(self, change: Change) -> None:
        if change.before == machine.RESOLVING:
            self._end_lookup()
        super()._observe(change)
        self._device.truth.note(
            self._device.name,
            "link-changed",
            before=change.before,
            event=change.event,
            state=change.state,
            cause=change.cause,
        )
        for told in self.observers:
            told(change)
        self._news.notify()

    def _detail(self, change: Change) -> str:
        if change.event in (machine.CONNECTED, machine.CONNECTED_FOR_TLS) and self._tuned:
            return f"port={self._sock.local_port()}"
        return ""

    # The radio ----------------------------------------------------------------------------------------------

    def _radio_changed(self, what: str) -> None:
        state = self.state
        if what == "lost":
            if state in machine.ADDRESSED:
                self.wifi_lost()
        elif state == machine.JOINING:
            self._tell(machine.JOINED)
        elif what == "addressed" and state == machine.LEASING:
            self._tell(machine.LEASE_OBTAINED)

    def _join_wifi(self) -> None:
        if self._device.associated:
            self._reply(machine.JOINED)
        else:
            self._device.join()

    def _await_lease(self) -> None:
        if self._device.joined:
            self._reply(machine.LEASE_OBTAINED)

    def _leave_wifi(self) -> None:
        self._device.leave()

    def _disable_power_save(self) -> None:
        self._device.disable_power_save()

    # The name -----------------------------------------------------------------------------------------------

    def _look_up(self) -> None:
        try:
            self._lookup = _Lookup(self._device, self._host, self._name_answered)
        except OSError:
            self._reply(machine.NAME_FAILED)
            return
        self._lookup_ticket = self.ledger.enter(self._lookup, "dns")

    def _name_answered(self, answer: str) -> None:
        if answer:
            self._name_found(answer)
        else:
            self._tell(machine.NAME_FAILED)

    def _end_lookup(self) -> None:
        if self._lookup is not None:
            self._lookup = None
            self.ledger.close(self._lookup_ticket)

    # The socket ---------------------------------------------------------------------------------------------

    def _open_socket(self) -> None:
        try:
            sock = Socket(self._sockets)
        except OSError as error:
            self._no_socket(error.errno or 0)
        else:
            self._own_socket(sock)

    def _connect_socket(self) -> None:
        sock, policy = self._sock, self.policy
        try:
            if self.capability.keepalive == "tuned":
                sock.keepalive(policy.keep_idle_s, policy.keep_interval_s, policy.keep_count)
            sock.connect(self._known, self._port)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                self._failed(machine.DIAL_FAILED, error.errno or 0)
                return
        sock.when_ready(lambda _: self._look())

    def _open_channel(self) -> TlsChannel:
        from halfopen.link.tls import TlsChannel

        return TlsChannel(self._tls, self._server_name)

    def _make_connection(self) -> Connection:
        return Connection(self, f"{self._host}:{self._port}", self._device.stack.ip)

    def _hand_over(self) -> None:
        super()._hand_over()
        self._news.notify()

    def _abandon(self, sock: Socket) -> None:
        if self.capability.linger:  # no PCB is left that retransmits for 19 minutes
            sock.set(names.SO_LINGER, 0)

    def _watch_for(self, reads: bool, writes: bool) -> None:
        if (reads or writes) and self._look_timer is None:
            self._look_timer = self._world.after(0, self._look_again)  # what is ready already

    def _look_again(self) -> None:
        self._look_timer = None
        self._look()

    def _unwatch(self) -> None:
        if self._sock is not None:
            self._sock.when_ready(None)

    def _look(self) -> None:
        """Readiness of the socket may have changed."""
        sock = self._sock
        if sock is None or self._ended:
            return
        mask = sock.ready()
        if self.state == machine.DIALING:
            if mask & _ANSWERED:
                self._answered(sock)
            return
        reads, writes = self._watched
        if writes and mask & names.POLLOUT and sock is self._sock:
            self._pump()
            self._rearm()
        if reads and mask & (names.POLLIN | names.POLLERR) and sock is self._sock:
            self._read(sock)

    def _answered(self, sock: Socket) -> None:
        number = sock.error()
        if number:
            self._failed(machine.DIAL_FAILED, number)
        else:
            self._dialed()

    def _read(self, sock: Socket) -> None:
        try:
            data = sock.recv(_RECEIVE_BYTES)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                self._failed(machine.SOCKET_FAILED, error.errno or 0)
            return
        self._received(data)
        if data and sock is self._sock:
            self._watch_for(*self._watched)


class _Lookup:
    """One question to the DNS server over a descriptor of its own; a resource with ``close()``."""

    def __init__(self, device: Device, host: str, answered: Callable[[str], object]) -> None:
        """Raises :class:`OSError` for a name that is none, or when no socket is left."""
        self._device, self._told = device, answered
        chance = device.world.chance(f"dns of {device.name}")
        try:
            self._asked = question(chance.between(0, 65535), host)
        except ValueError as error:
            raise OSError(0, str(error)) from None
        self._sockets = device.stack.sockets
        self._sock = Socket(self._sockets, names.DGRAM)
        self._sock.when_ready(lambda _: self._look())
        self._gap = _ASK_AGAIN_NS
        self._timer: Timer | None = device.world.after(0, self._ask)

    def _ask(self) -> None:
        with suppress(SocketError):  # no route now: the next time, or the deadline
            self._sockets.sendto(self._sock.fileno(), self._asked, self._device.stack.resolver, _DNS_PORT)
        self._timer = self._device.world.after(self._gap, self._ask)
        self._gap *= 2

    def _look(self) -> None:
        try:
            datagram = self._sock.recv(_DATAGRAM_BYTES)
        except OSError:
            return
        answer = answer_in(datagram, self._asked)
        if answer is not None and self._timer is not None:
            self._told(answer)

    def vanish(self) -> None:
        """Ask no more; the descriptor is gone with the chip's memory."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Give the descriptor back."""
        self.vanish()
        self._sock.when_ready(None)
        self._sock.close()
