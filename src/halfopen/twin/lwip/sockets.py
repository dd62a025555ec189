"""lwIP's sockets (``sockets.c``): descriptors, and every call in the form that never waits.

Each call behaves as on a non-blocking descriptor and raises :class:`~halfopen.twin.lwip.names.SocketError` where C
returns −1. Code that blocks uses :mod:`halfopen.twin.lwip.calls`; code that is driven by callbacks uses this module and
``when_ready``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from halfopen.twin.lwip import names, writing
from halfopen.twin.lwip.names import SocketError
from halfopen.twin.lwip.netconn import Message, Netconn

if TYPE_CHECKING:
    from halfopen.twin.lwip.pcb import Pcb
    from halfopen.twin.lwip.stack import Stack


#: A netconn keeps the seconds in an int16_t; what is longer comes out negative: off.
_LINGER_S_MAX = 0x7FFF


class Descriptor:
    """One slot of the table: its netconn, whether it is non-blocking, since when it is open (ns)."""

    __slots__ = ("conn", "nonblocking", "opened_at", "port", "reuse")

    def __init__(self, conn: Netconn, opened_at: int) -> None:
        self.conn = conn
        self.nonblocking = False
        self.reuse = False
        self.opened_at = opened_at
        self.port = 0


class Sockets:
    """The socket table of one device."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        #: The first descriptor.
        self.base = stack.options.first_descriptor
        self._table: list[Descriptor | None] = [None] * stack.options.max_sockets

    # Descriptors -------------------------------------------------------------------------------------------

    def open_descriptors(self) -> dict[int, Descriptor]:
        """Every open descriptor."""
        return {self.base + at: found for at, found in enumerate(self._table) if found is not None}

    def of(self, conn: Netconn | None) -> int | None:
        """The descriptor of a netconn, if it has one."""
        for at, found in enumerate(self._table):
            if found is not None and found.conn is conn:
                return self.base + at
        return None

    def descriptor(self, fd: int) -> Descriptor:
        """What ``fd`` stands for.

        Raises:
            SocketError: EBADF.
        """
        at = fd - self.base
        found = self._table[at] if 0 <= at < len(self._table) else None
        if found is None:
            raise SocketError(names.EBADF)
        return found

    def _allocate(self, conn: Netconn) -> int | None:
        for at, found in enumerate(self._table):
            if found is None:
                self._table[at] = Descriptor(conn, self._stack.world.now)
                return self.base + at
        return None

    def fail(self, call: str, number: int, fd: int | None = None) -> SocketError:
        """The error of a call, noted in the truth (waiting is no failure)."""
        if number not in (names.EAGAIN, names.EINPROGRESS):
            self._stack.note("call-failed", call=call, fd=fd, errno=number)
        return SocketError(number)

    def _check(self, call: str, fd: int, error: str) -> None:
        if error != names.OK:
            raise self.fail(call, names.ERRNO_OF[error], fd)

    def socket(self, kind: int = names.STREAM) -> int:
        """A new descriptor.

        Raises:
            SocketError: ENFILE when no descriptor is free, ENOBUFS when netconn, mailbox or PCB find no memory.
        """
        conn = Netconn.allocate(self._stack, kind)
        if conn is None:
            raise self.fail("socket", names.ENOBUFS)
        fd = self._allocate(conn)
        if fd is None:
            conn.delete()
            raise self.fail("socket", names.ENFILE)
        self._stack.note("socket-opened", fd=fd)
        return fd

    def close(self, fd: int) -> None:
        """Free the descriptor at once; what was sent goes on without it, unless SO_LINGER 0 aborts it.

        Raises:
            SocketError: EBADF; EAGAIN when SO_LINGER would have to wait: the descriptor stays.
        """
        conn = self.descriptor(fd).conn
        if conn.holds_close:
            raise self.fail("close", names.EAGAIN, fd)
        self._table[fd - self.base] = None
        self._stack.note("socket-closed", fd=fd)
        conn.delete()

    def forget_all(self) -> None:
        """The device was reset."""
        for descriptor in self._table:
            if descriptor is not None:
                descriptor.conn.on_ready = None
        self._table = [None] * len(self._table)

    def set_nonblocking(self, fd: int, on: bool = True) -> None:
        """``fcntl(fd, F_SETFL, O_NONBLOCK)``."""
        self.descriptor(fd).nonblocking = on

    # Connecting and accepting ------------------------------------------------------------------------------

    def connect(self, fd: int, ip: str, port: int) -> None:
        """Begin to connect.

        Raises:
            SocketError: EINPROGRESS when the SYN is on its way; EALREADY, EISCONN, ENOTCONN (after a failure on this
                descriptor), EHOSTUNREACH without an address of our own.
        """
        conn = self.descriptor(fd).conn
        if conn.udp is not None:
            conn.udp.connect(ip, port)
            return
        self._check("connect", fd, conn.connect(ip, port))

    def bind(self, fd: int, port: int) -> None:
        """Take a local port."""
        descriptor = self.descriptor(fd)
        conn = descriptor.conn
        descriptor.port = port
        if conn.udp is not None:
            self._check("bind", fd, names.OK if conn.udp.bind(port) else names.USE)
        elif conn.pcb is None:
            self._check("bind", fd, names.CONN)
        else:
            self._check("bind", fd, self._stack.tcp.bind(conn.pcb, port, descriptor.reuse))

    def listen(self, fd: int, backlog: int) -> None:
        """Accept connections from now on; ``backlog`` of them may wait."""
        conn = self.descriptor(fd).conn
        if conn.udp is not None:
            raise self.fail("listen", names.EOPNOTSUPP, fd)
        self._check("listen", fd, conn.listen(backlog))

    def accept(self, fd: int) -> tuple[int, tuple[str, int]]:
        """The next connection: its descriptor and the peer's address.

        Raises:
            SocketError: EAGAIN when none waits; ENFILE when no descriptor is free: the connection is closed then;
                ECONNABORTED when a connection found no memory.
        """
        error, conn = self.descriptor(fd).conn.accept()
        if error != names.OK or conn is None:
            raise self.fail("accept", names.ERRNO_OF[error], fd)
        new = self._allocate(conn)
        if new is None:
            conn.delete()
            raise self.fail("accept", names.ENFILE, fd)
        peer = (conn.pcb.remote_ip, conn.pcb.remote_port) if conn.pcb is not None else ("", 0)
        self._stack.note("accepted", fd=new, peer=f"{peer[0]}:{peer[1]}")
        return new, peer

    def shutdown(self, fd: int, how: int = names.SHUT_RDWR) -> None:
        """Close one direction or both; the descriptor stays."""
        error = self.descriptor(fd).conn.shutdown(how != names.SHUT_WR, how != names.SHUT_RD)
        self._check("shutdown", fd, error)

    def getsockname(self, fd: int) -> tuple[str, int]:
        """Our address of the connection."""
        conn = self.descriptor(fd).conn
        if conn.udp is not None:
            return self._stack.ip, conn.udp.local_port
        if conn.pcb is None:
            raise self.fail("getsockname", names.ENOTCONN, fd)
        return conn.pcb.local_ip or self._stack.ip, conn.pcb.local_port

    def getpeername(self, fd: int) -> tuple[str, int]:
        """The peer's address of the connection."""
        conn = self.descriptor(fd).conn
        if conn.pcb is None or not conn.pcb.remote_port:
            raise self.fail("getpeername", names.ENOTCONN, fd)
        return conn.pcb.remote_ip, conn.pcb.remote_port

    # Data --------------------------------------------------------------------------------------------------

    def send(self, fd: int, data: bytes, flags: int = 0) -> int:
        """Queue what fits; how many bytes that was.

        Raises:
            SocketError: EAGAIN when nothing fits; ENOTCONN; the connection's error, once.
        """
        conn = self.descriptor(fd).conn
        if conn.udp is not None:
            return self.sendto(fd, data, conn.udp.remote_ip, conn.udp.remote_port)
        write = writing.begin(conn, data, patient=False)
        self._check("send", fd, write.error)
        return write.offset

    def sendto(self, fd: int, data: bytes, ip: str, port: int) -> int:
        """Send a datagram."""
        conn = self.descriptor(fd).conn
        if conn.udp is None:
            return self.send(fd, data)
        if not ip or not port:
            raise self.fail("sendto", names.EDESTADDRREQ, fd)
        if not conn.udp.send(data, ip, port):
            raise self.fail("sendto", names.EHOSTUNREACH, fd)
        return len(data)

    def recv(self, fd: int, size: int, flags: int = 0) -> bytes:
        """Up to ``size`` bytes that have come; ``b""`` when the peer has closed.

        Raises:
            SocketError: EAGAIN when nothing has come; ENOTCONN; the connection's error.
        """
        conn = self.descriptor(fd).conn
        if conn.udp is not None:
            return self.recvfrom(fd, size, flags)[0]
        got = b""
        while True:
            if not conn.rest.data:
                error, message = conn.receive(no_fin=bool(got))
                if message is None:
                    if got:
                        break
                    if error == names.CLSD:
                        return b""
                    raise self.fail("recv", names.ERRNO_OF[error], fd)
                conn.rest = message
            piece = conn.rest.data[: size - len(got)]
            got += piece
            if flags & names.MSG_PEEK:
                return got
            conn.rest.data = conn.rest.data[len(piece) :]
            if not conn.rest.data:
                conn.release(conn.rest)
                conn.rest = Message()
            if len(got) >= size:
                break
        conn.took(len(got))
        return got

    def recvfrom(self, fd: int, size: int, flags: int = 0) -> tuple[bytes, tuple[str, int]]:
        """The next datagram and where it came from; what does not fit is lost."""
        conn = self.descriptor(fd).conn
        if conn.udp is None:
            return self.recv(fd, size, flags), self.getpeername(fd)
        if not conn.received:
            raise self.fail("recvfrom", names.EAGAIN, fd)
        message = conn.received[0]
        if not flags & names.MSG_PEEK:
            conn.received.popleft()
            conn.receive_events -= 1
            conn.release(message)
        packet = message.packet
        source = (packet.source, packet.sport) if packet is not None else ("", 0)
        return message.data[:size], source

    # Readiness ---------------------------------------------------------------------------------------------

    def ready(self, fd: int) -> int:
        """What ``poll`` would say now: POLLIN, POLLOUT, POLLERR."""
        conn = self.descriptor(fd).conn
        mask = names.POLLIN if conn.rest.data or conn.receive_events > 0 else 0
        if conn.send_event:
            mask |= names.POLLOUT
        if conn.error_event:
            mask |= names.POLLERR
        return mask

    def when_ready(self, fd: int, callback: Callable[[int], object] | None) -> None:
        """Call ``callback(fd)``, after what is happening now, whenever readiness may have changed; ``None`` ends it."""
        conn = self.descriptor(fd).conn
        if callback is None:
            conn.on_ready = None
            return
        world = self._stack.world

        def tell() -> None:
            if conn.on_ready is announce and callback is not None:
                callback(fd)

        def announce() -> None:
            world.after(0, tell)

        conn.on_ready = announce

    # Options -----------------------------------------------------------------------------------------------

    def setsockopt(self, fd: int, option: int, value: int) -> None:
        """Set an option. ``SO_RCVTIMEO`` and ``SO_SNDTIMEO`` take ns, the TCP keepalive options and SO_LINGER seconds
        (SO_LINGER negative: ``l_onoff`` 0).

        Raises:
            SocketError: ENOPROTOOPT for SO_LINGER and SO_RCVBUF, which ESP-IDF leaves out by default; EINVAL for TCP
                options after the connection has died.
        """
        descriptor = self.descriptor(fd)
        conn = descriptor.conn
        pcb = conn.pcb
        options = self._stack.options
        if option == names.SO_RCVTIMEO:
            conn.receive_timeout_ns = value
        elif option == names.SO_SNDTIMEO:
            conn.send_timeout_ns = value
        elif option == names.SO_REUSEADDR:
            descriptor.reuse = bool(value)
        elif option == names.SO_LINGER and options.linger:
            conn.linger_s = value if value <= _LINGER_S_MAX else -1
        elif option == names.SO_BROADCAST or (option == names.SO_RCVBUF and options.receive_buffer_option):
            return
        elif option in _PCB_OPTIONS:
            if pcb is None:
                raise self.fail("setsockopt", names.EINVAL, fd)
            _set_tcp(pcb, option, value)
            self._stack.tcp.timers.touch(pcb)
        else:
            raise self.fail("setsockopt", names.ENOPROTOOPT, fd)

    def getsockopt(self, fd: int, option: int) -> int:
        """Read an option; ``SO_ERROR`` is consumed by reading, SO_LINGER is −1 when it is off."""
        conn = self.descriptor(fd).conn
        if option == names.SO_ERROR:
            error = conn.take_error()
            return 0 if error == names.OK else names.ERRNO_OF[error]
        if option == names.SO_RCVTIMEO:
            return conn.receive_timeout_ns
        if option == names.SO_SNDTIMEO:
            return conn.send_timeout_ns
        if option == names.SO_LINGER and self._stack.options.linger:
            return conn.linger_s
        pcb = conn.pcb
        if pcb is not None and option in _PCB_OPTIONS:
            return _get_tcp(pcb, option)
        raise self.fail("getsockopt", names.ENOPROTOOPT if pcb is not None else names.EINVAL, fd)


def _set_tcp(pcb: Pcb, option: int, value: int) -> None:
    if option == names.SO_KEEPALIVE:
        pcb.keepalive = bool(value)
    elif option == names.TCP_NODELAY:
        pcb.no_delay = bool(value)
    elif option == names.TCP_KEEPALIVE:
        pcb.keep_idle_ms = value
    elif option == names.TCP_KEEPIDLE:
        pcb.keep_idle_ms = value * 1000
    elif option == names.TCP_KEEPINTVL:
        pcb.keep_interval_ms = value * 1000
    else:
        pcb.keep_count = value


def _get_tcp(pcb: Pcb, option: int) -> int:
    found = {
        names.SO_KEEPALIVE: int(pcb.keepalive),
        names.TCP_NODELAY: int(pcb.no_delay),
        names.TCP_KEEPALIVE: pcb.keep_idle_ms,
        names.TCP_KEEPIDLE: pcb.keep_idle_ms // 1000,
        names.TCP_KEEPINTVL: pcb.keep_interval_ms // 1000,
        names.TCP_KEEPCNT: pcb.keep_count,
    }
    return found[option]


_PCB_OPTIONS = frozenset(
    {
        names.SO_KEEPALIVE,
        names.TCP_NODELAY,
        names.TCP_KEEPALIVE,
        names.TCP_KEEPIDLE,
        names.TCP_KEEPINTVL,
        names.TCP_KEEPCNT,
    }
)
