"""The sockets API as firmware sees it: calls that wait, as generators for :mod:`halfopen.twin.tasks`.

``yield from calls.recv(fd, 200)`` waits as ``recv()`` does: for ever, or for SO_RCVTIMEO, or not at all on a descriptor
with O_NONBLOCK or with MSG_DONTWAIT. Errors are raised as :class:`~halfopen.twin.lwip.names.SocketError`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from halfopen.twin.lwip import names, writing
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.lwip.netconn import CONNECTING
from halfopen.twin.tasks import Condition, Wait, wait
from halfopen.twin.world import SECOND

if TYPE_CHECKING:
    from halfopen.twin.lwip.netconn import Netconn
    from halfopen.twin.lwip.sockets import Sockets
    from halfopen.twin.lwip.stack import Stack

_T = TypeVar("_T")


class Calls:
    """Blocking calls on one device's sockets. What cannot block is a plain method."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    @property
    def _sockets(self) -> Sockets:
        """The device's sockets: others after a reboot."""
        return self._stack.sockets

    # What never waits --------------------------------------------------------------------------------------

    def socket(self, kind: int = names.STREAM) -> int:
        """See :meth:`Sockets.socket`."""
        return self._sockets.socket(kind)

    def bind(self, fd: int, port: int) -> None:
        """See :meth:`Sockets.bind`."""
        self._sockets.bind(fd, port)

    def listen(self, fd: int, backlog: int) -> None:
        """See :meth:`Sockets.listen`."""
        self._sockets.listen(fd, backlog)

    def shutdown(self, fd: int, how: int = names.SHUT_RDWR) -> None:
        """See :meth:`Sockets.shutdown`."""
        self._sockets.shutdown(fd, how)

    def setsockopt(self, fd: int, option: int, value: int) -> None:
        """See :meth:`Sockets.setsockopt`."""
        self._sockets.setsockopt(fd, option, value)

    def getsockopt(self, fd: int, option: int) -> int:
        """See :meth:`Sockets.getsockopt`."""
        return self._sockets.getsockopt(fd, option)

    def set_nonblocking(self, fd: int, on: bool = True) -> None:
        """See :meth:`Sockets.set_nonblocking`."""
        self._sockets.set_nonblocking(fd, on)

    def getsockname(self, fd: int) -> tuple[str, int]:
        """See :meth:`Sockets.getsockname`."""
        return self._sockets.getsockname(fd)

    def getpeername(self, fd: int) -> tuple[str, int]:
        """See :meth:`Sockets.getpeername`."""
        return self._sockets.getpeername(fd)

    # What waits --------------------------------------------------------------------------------------------

    def connect(self, fd: int, ip: str, port: int) -> Generator[Wait, bool, None]:
        """Connect, and wait until the handshake is done or has failed."""
        descriptor = self._sockets.descriptor(fd)
        conn = descriptor.conn
        conn.connect_error = names.OK
        try:
            self._sockets.connect(fd, ip, port)
        except SocketError as error:
            if error.errno != names.EINPROGRESS or descriptor.nonblocking:
                raise
        while conn.state == CONNECTING:
            yield from wait(f"connect({fd})", conn.changed)
        if conn.connect_error != names.OK:
            error_now, conn.connect_error = conn.connect_error, names.OK
            raise self._sockets.fail("connect", names.ERRNO_OF[error_now], fd)

    def accept(self, fd: int) -> Generator[Wait, bool, tuple[int, tuple[str, int]]]:
        """Wait for a connection."""
        return (yield from self._patiently("accept", fd, 0, lambda: self._sockets.accept(fd)))

    def recv(self, fd: int, size: int, flags: int = 0) -> Generator[Wait, bool, bytes]:
        """Wait for data, the peer's FIN (``b""``) or an error."""
        return (yield from self._patiently("recv", fd, flags, lambda: self._sockets.recv(fd, size, flags)))

    def recvfrom(
        self, fd: int, size: int, flags: int = 0
    ) -> Generator[Wait, bool, tuple[bytes, tuple[str, int]]]:
        """Wait for a datagram."""
        return (
            yield from self._patiently("recvfrom", fd, flags, lambda: self._sockets.recvfrom(fd, size, flags))
        )

    def _patiently(
        self, name: str, fd: int, flags: int, attempt: Callable[[], _T]
    ) -> Generator[Wait, bool, _T]:
        """Try until it does not say EAGAIN, or until SO_RCVTIMEO has passed."""
        descriptor = self._sockets.descriptor(fd)
        conn = descriptor.conn
        world = self._stack.world
        until = world.now + conn.receive_timeout_ns if conn.receive_timeout_ns else None
        while True:
            try:
                return attempt()
            except SocketError as error:
                late = until is not None and world.now >= until
                if (
                    error.errno != names.EAGAIN
                    or descriptor.nonblocking
                    or flags & names.MSG_DONTWAIT
                    or late
                ):
                    raise
            yield from wait(f"{name}({fd})", conn.changed, None if until is None else until - world.now)
            if self._sockets.of(conn) != fd:
                # Another task closed it: what this one waited for is gone (LWIP_NETCONN_FULLDUPLEX).
                raise self._sockets.fail(name, names.ENOTCONN, fd)

    def send(self, fd: int, data: bytes, flags: int = 0) -> Generator[Wait, bool, int]:
        """Wait until all of ``data`` is queued (which says nothing about the peer); how many bytes were.

        Fewer after SO_SNDTIMEO, which is looked at once a second; EAGAIN when it was none.
        """
        descriptor = self._sockets.descriptor(fd)
        conn = descriptor.conn
        if descriptor.nonblocking or flags & names.MSG_DONTWAIT or conn.udp is not None:
            return self._sockets.send(fd, data, flags)
        write = writing.begin(conn, data, patient=True)
        while not write.finished:
            yield from wait(f"send({fd})", conn.changed)
        if write.error != names.OK:
            raise self._sockets.fail("send", names.ERRNO_OF[write.error], fd)
        return write.offset

    def sendto(self, fd: int, data: bytes, ip: str, port: int) -> Generator[Wait, bool, int]:
        """Send a datagram; it never waits."""
        yield from ()
        return self._sockets.sendto(fd, data, ip, port)

    def close(self, fd: int) -> Generator[Wait, bool, None]:
        """Close. With SO_LINGER (which ESP-IDF leaves out) wait for the last ACK; what is still open then is aborted."""
        descriptor = self._sockets.descriptor(fd)
        conn = descriptor.conn
        if conn.holds_close and not descriptor.nonblocking:
            until = self._stack.world.now + conn.linger_s * SECOND
            conn.begin_lingering()
            while conn.holds_close:
                if self._stack.world.now >= until:
                    conn.linger_s = 0
                    break
                yield from wait(f"close({fd})", conn.changed)
        self._sockets.close(fd)

    def select(
        self,
        reading: Iterable[int] = (),
        writing: Iterable[int] = (),
        failing: Iterable[int] = (),
        limit_ns: int | None = None,
    ) -> Generator[Wait, bool, tuple[list[int], list[int], list[int]]]:
        """Wait until one of the descriptors is ready; three empty lists when ``limit_ns`` passed first."""
        wanted: dict[int, int] = {}
        for fds, mask in ((reading, names.POLLIN), (writing, names.POLLOUT), (failing, names.POLLERR)):
            for fd in fds:
                wanted[fd] = wanted.get(fd, 0) | mask
        found = yield from self._ready(f"select({', '.join(map(str, wanted))})", wanted, limit_ns)
        masks = (names.POLLIN, names.POLLOUT, names.POLLERR)
        lists = [[fd for fd, mask in found.items() if mask & one] for one in masks]
        return lists[0], lists[1], lists[2]

    def poll(
        self, wanted: Mapping[int, int], limit_ns: int | None = None
    ) -> Generator[Wait, bool, dict[int, int]]:
        """``{fd: mask}`` → ``{fd: mask}`` of those that are ready. Errors are reported unasked, POLLHUP never is."""
        masks = {fd: mask | names.POLLERR for fd, mask in wanted.items()}
        return (yield from self._ready(f"poll({', '.join(map(str, wanted))})", masks, limit_ns))

    def _ready(
        self, what: str, wanted: Mapping[int, int], limit_ns: int | None
    ) -> Generator[Wait, bool, dict[int, int]]:
        world, sockets = self._stack.world, self._sockets
        until = None if limit_ns is None else world.now + limit_ns
        condition = Condition()
        watched: list[tuple[Netconn, Any]] = []
        try:
            while True:
                found = {fd: sockets.ready(fd) & mask for fd, mask in wanted.items()}
                found = {fd: mask for fd, mask in found.items() if mask}
                if found or (until is not None and world.now >= until):
                    return found
                if not watched:
                    for fd in wanted:
                        conn = sockets.descriptor(fd).conn
                        watched.append((conn, conn.on_ready))
                        conn.on_ready = _both(condition.notify, conn.on_ready)
                yield from wait(what, condition, None if until is None else until - world.now)
        finally:
            for conn, before in reversed(watched):
                conn.on_ready = before

    def getaddrinfo(self, name: str) -> Generator[Wait, bool, list[str]]:
        """Resolve ``name`` (an address in digits needs nobody).

        Raises:
            NameNotFound: 202 when no server answers, 200 when there is no such name.
        """
        lookup = self._stack.resolver_client.ask(name)
        while not lookup.done:
            yield from wait(f"getaddrinfo({name})", lookup.changed)
        if lookup.failed:
            self._stack.note("lookup-failed", name=name, error=lookup.failed)
            raise names.NameNotFound(lookup.failed, f"getaddrinfo() returns {lookup.failed}")
        return lookup.addresses


def _both(first: Callable[[], object], second: Callable[[], object] | None) -> Callable[[], None]:
    def run() -> None:
        first()
        if second is not None:
            second()

    return run
