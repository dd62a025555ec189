"""The driver for CPython's asyncio: non-blocking sockets and a timer carry out what the keeper decides.

Every step on a socket is a callback of the event loop, so no task can be cancelled half-way with a descriptor in its
hands. It needs an event loop that watches descriptors (the default on Linux and macOS; on Windows the selector loop).
"""

from __future__ import annotations

import asyncio
import errno
import random
import select
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any

from halfopen.link import host, journal, machine, options
from halfopen.link.connection import Connection, Lost
from halfopen.link.driver import ONLINE, Driver
from halfopen.link.journal import Change
from halfopen.link.policy import NEVER, REFUSED, UNREACHABLE, UNREACHABLE_ADDRESS, Policy
from halfopen.link.radio import Radio, RadioRequests, Request
from halfopen.link.tls import TlsChannel

__all__ = ["Change", "Connection", "Link", "Lost", "Policy", "Radio"]

_RECEIVE_BYTES = 65536
#: Changes kept for an iterator that does not keep up; the oldest go first.
_CHANGES_MAX = 1000
#: States in which one address of the peer is tried.
_DIALS = (machine.OPENING, machine.DIALING, machine.SECURING)


class Link(Driver):
    """Keeps one connection to ``host:port`` standing.

    ``heartbeat`` is what the peer answers whatever it is doing (``b"\\xc0\\x00"`` for MQTT); ``b""`` says that the
    application above keeps the peer talking by itself, so that silence means something; ``None`` that it does not.
    ``tls`` is a client's SSL context. ``reboot`` is called as the last escalation, where given; it stores
    :attr:`reboots_ago_ms`, and the next boot gives that back, so that the budget outlives the reboot. ``say`` gets the lines
    of the journal (default: the logger ``halfopen.link``); ``memory`` tells bytes free and the largest block.
    """

    ledger: host.ComputersLedger

    def __init__(
        self,
        host_name: str,
        port: int,
        *,
        policy: Policy | None = None,
        heartbeat: bytes | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        radio: Radio | None = None,
        reboot: Callable[[], None] | None = None,
        say: Callable[[str], None] | None = None,
        reboots_ago_ms: tuple[int, ...] = (),
        memory: Callable[[], tuple[int | None, int | None]] = host.memory,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Raises :class:`ValueError` for a port that is none, ages that are negative or a TLS context that no client can
        use, :class:`OSError` when no socket is left to probe.
        """
        if not 0 < port < 65536:
            raise ValueError(f"no such port: {port}")
        name = host_name if server_name is None else server_name
        if tls is not None:
            try:
                TlsChannel(tls, name)
            except ssl.SSLError as error:
                raise ValueError(f"TLS: {error}") from error
        super().__init__(
            policy,
            options.probe(socket, select, host.stack(), wifi=radio is not None, reboot=reboot is not None),
            heartbeat,
            tls,
            name,
            say or host.log,
            memory,
            chance,
            host.ComputersLedger(),
            reboot,
            reboots_ago_ms,
            host.literal(host_name, port),
        )
        self._host, self._port, self._radio = host_name, port, radio
        self._lookup = host.NameLookup(host_name, port)
        self._handed_over_at = 0
        self._turn = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._radio_requests = RadioRequests(
            lambda what: self._say(f"W ({self.now()}) {journal.TAG}: radio: {journal.plain(what)}")
        )
        self._asked = 0
        self._yielded: Connection | None = None
        self._news: set[asyncio.Future[None]] = set()
        self._watchers: set[asyncio.Queue[Change | None]] = set()

    # What the user sees.

    async def __aenter__(self) -> Link:
        if self._loop is not None:
            raise RuntimeError("this link was entered before; make a new one")
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        try:
            self._begin()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell(machine.STOPPED)
        if self._timer is not None:
            self._timer.cancel()
        self.ledger.sweep(last=True)
        for watcher in self._watchers:
            watcher.put_nowait(None)
        self._wake()
        await self._radio_requests.stop()

    def __aiter__(self) -> Link:
        return self

    async def __anext__(self) -> Connection:
        """The next connection; one still held from the last round is closed first."""
        if self._loop is None:
            raise RuntimeError("enter the link first: async with Link(…) as link")
        if self._yielded is not None:
            self._yielded.close()
            self._yielded = None
        while self._connection is None:
            if self.state == machine.IDLE:
                raise StopAsyncIteration
            await self._next_news()
        assert isinstance(self._connection, Connection)
        self._yielded = self._connection
        return self._yielded

    async def changes(self) -> AsyncIterator[Change]:
        """Every transition from now on, until the link is left."""
        watcher: asyncio.Queue[Change | None] = asyncio.Queue()
        self._watchers.add(watcher)
        try:
            while self._loop is None or self.state != machine.IDLE or not watcher.empty():
                change = await watcher.get()
                if change is None:
                    return
                yield change
        finally:
            self._watchers.discard(watcher)

    @property
    def injects(self) -> bool:
        """Whether heartbeats of the link's own are sent between the user's bytes."""
        return bool(self._heartbeat)

    async def prepare_sleep(self) -> None:
        """Close in order (FIN, and the peer's answer to it) and stay down until :meth:`wake`."""
        self._tell(machine.SLEEP_ASKED)
        while self.state == machine.RETIRING:
            await self._next_news()

    def now(self) -> int:
        """Milliseconds since the link was entered, rounded up so that a deadline that has come is seen."""
        return 0 if self._loop is None else int((self._loop.time() - self._began) * 1000 + 0.999)

    # What differs from other ports.

    _later = errno.EWOULDBLOCK  # Windows has a number of its own for it

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("enter the link first: async with Link(…) as link")
        return self._loop

    def _tell(self, event: str, cause: str = "", of: Any = None) -> None:
        self._running_loop()
        super()._tell(event, cause, of)

    def _rearm(self) -> None:
        """Set the one timer to the next deadline."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._due_at()
        if at < NEVER:
            self._timer = self._running_loop().call_at(self._began + at / 1000, self._time_came)

    def _observe(self, change: Change) -> None:
        if change.before != change.state:
            self._asked += 1  # an answer to a question of the old state comes too late
            if change.before in (machine.JOINING, machine.LEASING):
                self._radio_requests.drop_question()
        short = change.at - self._handed_over_at < self.policy.uptime_ms
        if change.is_loss and (change.before in _DIALS or (change.before in ONLINE and short)):
            self._turn += 1  # a name may have several addresses, and this one is no good: try the next
        super()._observe(change)
        for watcher in self._watchers:
            if watcher.qsize() >= _CHANGES_MAX:
                watcher.get_nowait()
            watcher.put_nowait(change)
        self._wake()

    def _detail(self, change: Change) -> str:
        if change.event not in (machine.CONNECTED, machine.CONNECTED_FOR_TLS):
            return ""
        try:
            return f"port={self._sock.getsockname()[1]}"
        except OSError:
            return ""

    def _guarded(self, call: Callable[..., Any], *given: Any) -> Any:
        return host.guarded(lambda: call(*given), None)

    async def _next_news(self) -> None:
        news = self._running_loop().create_future()
        self._news.add(news)
        try:
            await news
        finally:
            self._news.discard(news)

    def _wake(self) -> None:
        for news in self._news:
            if not news.done():
                news.set_result(None)

    # The effects, named for what they do.

    def _join_wifi(self) -> None:
        if self._radio is None:
            self._reply(machine.JOINED)  # the operating system joins by itself
        else:
            self._ask_radio(self._radio.join, machine.JOINED, machine.JOIN_FAILED)

    def _await_lease(self) -> None:
        if self._radio is None:
            self._reply(machine.LEASE_OBTAINED)
        else:
            self._ask_radio(self._radio.lease, machine.LEASE_OBTAINED, machine.LEASE_EXPIRED)

    def _leave_wifi(self) -> None:
        if self._radio is not None:
            self._radio_requests.order(self._radio.leave)

    def _disable_power_save(self) -> None:
        if self._radio is not None:
            self._radio_requests.order(self._radio.disable_power_save)

    def _ask_radio(self, request: Request, done: str, failed: str) -> None:
        self._radio_requests.ask(request, lambda succeeded: self._tell(done if succeeded else failed))

    def _look_up(self) -> None:
        question, loop = self._asked, self._running_loop()

        def answered(answer: list[host.Address] | OSError) -> None:
            try:
                loop.call_soon_threadsafe(self._name_answered, question, answer)
            except RuntimeError:
                pass  # the loop ended before the resolver did

        self._lookup.ask(answered)

    def _name_answered(self, question: int, answer: list[host.Address] | OSError) -> None:
        if question != self._asked or self.state != machine.RESOLVING:
            return
        if not isinstance(answer, OSError) and answer:
            self._name_found(answer)
        elif isinstance(answer, OSError) and answer.errno in host.NO_SUCH_NAME:
            self._tell(machine.NAME_UNKNOWN)
        else:
            self._tell(machine.NAME_FAILED)

    def _address(self) -> host.Address:
        """The address whose turn it is."""
        known: list[host.Address] = self._known
        return known[self._turn % len(known)]

    def _open_socket(self) -> None:
        family, _ = self._address()
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self._no_socket(error)
        else:
            self._own_socket(sock)

    def _connect_socket(self) -> None:
        sock = self._sock
        try:
            options.prepare(sock, socket, self.capability, self.policy)
            number = sock.connect_ex(self._address()[1])
        except OSError as error:
            number = error.errno or errno.EINVAL
        if number in (errno.EINPROGRESS, errno.EWOULDBLOCK, 0):
            self._running_loop().add_writer(sock, self._answered)
        else:
            self._dial_failed(number)

    def _answered(self) -> None:
        """The dial was answered, one way or the other."""
        number = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._running_loop().remove_writer(self._sock)
        if number:
            self._dial_failed(number)
        elif self._sock.getsockname() == self._sock.getpeername():
            # nobody listens, and the port dialed happened to be our own: Linux connects us to ourselves
            self._tell_of_socket(machine.DIAL_FAILED, REFUSED)
        else:
            self._dialed()

    def _dial_failed(self, number: int) -> None:
        cause = self.capability.cause_of(number)
        if cause == UNREACHABLE and len(self._known) > 1:
            cause = UNREACHABLE_ADDRESS  # no way to one of several, IPv6 for example, accuses nobody's Wi-Fi
        self._tell_of_socket(machine.DIAL_FAILED, cause)

    def _open_channel(self) -> TlsChannel:
        return TlsChannel(self._tls, self._server_name)

    def _make_connection(self) -> Connection:
        self._handed_over_at = self.now()
        local = self._sock.getsockname()[:2]
        return Connection(self, f"{self._host}:{self._port}", f"{local[0]}:{local[1]}")

    def _abandon(self, sock: socket.socket) -> None:
        if self.capability.linger:  # no PCB is left that retransmits for 19 minutes
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, options.ABORT)

    # The socket's own callbacks.

    def _watch_for(self, reads: bool, writes: bool) -> None:
        loop = self._running_loop()
        if reads:
            loop.add_reader(self._sock, self._readable)
        else:
            loop.remove_reader(self._sock)
        if writes:
            loop.add_writer(self._sock, self._writable)
        else:
            loop.remove_writer(self._sock)

    def _unwatch(self) -> None:
        self._watch_for(False, False)

    def _readable(self) -> None:
        try:
            data = self._sock.recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._failed(machine.SOCKET_FAILED, error)
            return
        self._received(data)

    def _writable(self) -> None:
        self._pump()
        if self._sock is not None:
            self._rearm()
