"""The driver for CPython's asyncio: non-blocking sockets and a timer carry out what the keeper decides.

Every step on a socket is a callback of the event loop, so no task can be cancelled half-way with a descriptor in its
hands. It needs an event loop that watches descriptors (the default on Linux and macOS; on Windows the selector loop).
"""

from __future__ import annotations

import asyncio
import errno
import gc
import random
import select
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType

from halfopen.link import capability, host, journal, machine
from halfopen.link.connection import Connection, Lost
from halfopen.link.journal import Change
from halfopen.link.keeper import Keeper
from halfopen.link.ledger import Ledger
from halfopen.link.policy import DEAD_PEER, NEVER, TLS_FAILED, Policy
from halfopen.link.radio import Radio, RadioRequests, Request
from halfopen.link.tls import TlsChannel

__all__ = ["Change", "Connection", "Link", "Lost", "Policy", "Radio"]

_RECEIVE_BYTES = 65536
#: Changes kept for an iterator that does not keep up; the oldest go first.
_CHANGES_MAX = 1000
_ONLINE = (machine.ONLINE, machine.DOUBTED)


class Link:
    """Keeps one connection to ``host:port`` standing.

    ``heartbeat`` is what the peer answers whatever it is doing (``b"\\xc0\\x00"`` for MQTT); ``b""`` says that the
    application above keeps the peer talking by itself, so that silence means something; ``None`` that it does not.
    ``tls`` is a client's SSL context. ``reboot`` is called as the last escalation, where given. ``say`` gets the lines
    of the journal (default: the logger ``halfopen.link``); ``memory`` tells bytes free and the largest block.
    """

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
        memory: Callable[[], tuple[int | None, int | None]] = host.memory,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Raises :class:`ValueError` for a port that is none, :class:`OSError` when no socket is left to probe."""
        if not 0 < port < 65536:
            raise ValueError(f"no such port: {port}")
        self._host, self._port = host_name, port
        self._heartbeat, self._tls, self._radio, self._restart = heartbeat, tls, radio, reboot
        self._server_name = host_name if server_name is None else server_name
        self._users_say = say or host.log
        self._users_memory = memory
        self._lookup = host.NameLookup(host_name, port)
        self._literal = host.literal(host_name, port)
        self._addresses: list[host.Address] = []
        self._turn = 0
        self.ledger = Ledger(host.identity)
        self.capability = capability.probe(
            socket, select, host.stack(), wifi=radio is not None, reboot=reboot is not None
        )
        self._keeper = Keeper(
            policy or Policy(),
            self.capability,
            expects_answers=heartbeat is not None,
            tls=tls is not None,
            chance=chance,
            observe=self._observe,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._inbox: deque[Callable[[int], tuple[str, ...]]] = deque()
        self._acting = False
        self._timer: asyncio.TimerHandle | None = None
        self._radio_requests = RadioRequests(
            lambda what: self._say(f"W ({self.now()}) {journal.TAG}: radio: {what}")
        )
        self._asked = 0
        self._least_free: int | None = None
        self._sock: socket.socket | None = None
        self._ticket = 0
        self._fd: int | None = None
        self._channel: TlsChannel | None = None
        self._out = bytearray()
        self._queued = self._accepted = 0
        self._to_send: deque[bytes] = deque()
        self._connection: Connection | None = None
        self._yielded: Connection | None = None
        self._news: set[asyncio.Future[None]] = set()
        self._watchers: set[asyncio.Queue[Change | None]] = set()
        self._began = 0.0

    # What the user sees.

    @property
    def state(self) -> str:
        """The state of ``link.machine`` it is in."""
        return self._keeper.state

    @property
    def policy(self) -> Policy:
        """Its deadlines and limits."""
        return self._keeper.policy

    @property
    def lingering(self) -> int:
        """PCBs that closes towards dead peers left in this system's stack and that have not drained."""
        return self._keeper.lingering(self.now())

    def bound(self, cause: str) -> float:
        """The longest time in seconds for which a dead peer can go unnoticed; infinite when nothing can notice.

        ``cause`` is ``idle``, ``unacked``, ``full-buffer`` or ``zero-window``; raises :class:`ValueError` else.
        """
        return self._keeper.bound_ms(cause) / 1000

    async def __aenter__(self) -> Link:
        if self._loop is not None:
            raise RuntimeError("this link was entered before; make a new one")
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._say(f"I (0) {journal.TAG}: capability {self.capability}")
        self._say(journal.bounds_line(0, [(c, self._keeper.bound_ms(c)) for c in capability.CAUSES]))
        self._tell(machine.STARTED)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell(machine.STOPPED)
        if self._timer is not None:
            self._timer.cancel()
        self.ledger.sweep()
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

    async def prepare_sleep(self) -> None:
        """Close in order (FIN, and the peer's answer to it) and stay down until :meth:`wake`."""
        self._tell(machine.SLEEP_ASKED)
        while self.state == machine.RETIRING:
            await self._next_news()

    def wake(self) -> None:
        """Begin a new epoch after :meth:`prepare_sleep`."""
        self._tell(machine.WOKE)

    def roamed(self, before: str, after: str) -> None:
        """The computer changed its access point: an address that stayed keeps its sockets, a changed one closes them."""
        self._act(lambda now: self._keeper.address(before, after, now))

    def wifi_lost(self) -> None:
        """Layer 2 is gone: join again."""
        self._tell(machine.WIFI_LOST)

    def radio_trouble(self) -> None:
        """A beacon loss or an expiry by the access point; repeated, it switches power save off."""
        self._act(self._keeper.radio_trouble)

    def power_save_off(self) -> None:
        """Switch power save off, on request."""
        self._tell(machine.DOZE_FORBIDDEN)

    # What a connection asks.

    def now(self) -> int:
        """Milliseconds since the link was entered, rounded up so that a deadline that has come is seen."""
        return 0 if self._loop is None else int((self._loop.time() - self._began) * 1000 + 0.999)

    def send(self, connection: Connection, data: bytes) -> int:
        """Queue ``data`` of ``connection``; where its end stands in the stream of bytes sent."""
        self._to_send.append(data)
        self._tell(machine.SEND_ASKED)
        return self._queued

    @property
    def injects(self) -> bool:
        """Whether heartbeats of the link's own are sent between the user's bytes."""
        return bool(self._heartbeat)

    def release(self, connection: Connection) -> None:
        """``connection`` is no longer wanted."""
        if connection is self._connection:
            self._tell(machine.RELEASED)

    def expect_answer(self, connection: Connection, due: float) -> None:
        """Close ``connection`` as unanswered at ``due``; ``NEVER`` when no answer is awaited any more."""
        if connection is self._connection and self._keeper.vitals is not None:
            self._keeper.vitals.expects_answer_by(due)
            self._rearm()

    def resume(self, connection: Connection) -> None:
        """The user of ``connection`` made room: read on."""
        if connection is self._connection and self._sock is not None and self._keeper.vitals is not None:
            self._keeper.vitals.deafened(False, self.now())
            self._running_loop().add_reader(self._sock, self._readable)
            self._rearm()

    # Telling the keeper, and doing what it says.

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("enter the link first: async with Link(…) as link")
        return self._loop

    def _tell(self, event: str, cause: str = "") -> None:
        self._act(lambda now: self._keeper.on(event, now, cause))

    def _reply(self, event: str, cause: str = "") -> None:
        """Tell at once what came of an effect, before anything else that waits to be told."""
        self._inbox.appendleft(lambda now: self._keeper.on(event, now, cause))

    def _act(self, told: Callable[[int], tuple[str, ...]]) -> None:
        """Hand one thing to the keeper and carry out its effects, one thing at a time."""
        self._running_loop()
        self._inbox.append(told)
        if self._acting:
            return
        self._acting = True
        try:
            while self._inbox:
                for effect in self._inbox.popleft()(self.now()):
                    getattr(self, "_" + effect.lower())()
        finally:
            self._acting = False
            self._inbox.clear()
        self._rearm()

    def _rearm(self) -> None:
        """Set the one timer to the keeper's next deadline."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._keeper.wake_at()
        if self._out and self.state in _ONLINE:
            at = min(at, self.now() + self.policy.ask_again_ms)
        if at < NEVER:
            self._timer = self._running_loop().call_at(self._began + at / 1000, self._time_came)

    def _time_came(self) -> None:
        """A clock ran out, or it is time to offer bytes again to a socket that does not call itself writable."""
        if self._out and self.state in _ONLINE:
            self._pump()
        self._act(self._keeper.tick)

    def _observe(self, change: Change) -> None:
        if change.before != change.state:
            self._asked += 1  # an answer to a question of the old state comes too late
            if change.before in (machine.JOINING, machine.LEASING):
                self._radio_requests.drop_question()
        if change.event in (machine.DIAL_FAILED, machine.DIAL_EXPIRED):
            self._turn += 1  # a name may have several addresses: try the next one
        free, block = self._memory()
        if free is not None:
            self._least_free = free if self._least_free is None else min(self._least_free, free)
            if change.state == machine.OPENING or change.event == machine.SOCKET_CLOSED:
                self._say(journal.heap_line(change.at, free, self._least_free))
        self._say(journal.transition_line(change, self._fd, free, block))
        if change.event == machine.SOCKET_CLOSED:
            self._fd = None
        if self._connection is not None and change.before in _ONLINE and change.state not in _ONLINE:
            self._connection.end(change.cause)
            self._connection = None
        for watcher in self._watchers:
            if watcher.qsize() >= _CHANGES_MAX:
                watcher.get_nowait()
            watcher.put_nowait(change)
        self._wake()

    def _say(self, line: str) -> None:
        host.guarded(lambda: self._users_say(line), None)

    def _memory(self) -> tuple[int | None, int | None]:
        untold: tuple[int | None, int | None] = (None, None)
        return host.guarded(self._users_memory, untold)

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

    def _check_heap(self) -> None:
        free, block = self._memory()
        self._reply(self._keeper.gate(free, block))

    def _forget_name(self) -> None:
        self._addresses = []

    def _resolve_name(self) -> None:
        if self._literal or self._addresses:
            self._addresses = self._addresses or self._literal
            self._reply(machine.NAME_KNOWN)
            return
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
        if isinstance(answer, OSError) or not answer:
            self._tell(machine.NAME_FAILED)
        else:
            self._addresses = answer
            self._tell(machine.NAME_RESOLVED)

    def _sweep(self) -> None:
        if self._keeper.cause == "descriptors-exhausted":
            gc.collect()  # sockets that the program dropped without closing
        swept = self.ledger.sweep(keep=self._ticket if self._keeper.held else None)
        if swept:
            self._say(f"W ({self.now()}) {journal.TAG}: swept {swept} orphaned descriptors")

    def _open_socket(self) -> None:
        family, _ = self._addresses[self._turn % len(self._addresses)]
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            number = error.errno or 0
            self._reply(capability.event_of_refusal(number), "" if number else "socket-refused")
            return
        self._ticket = self.ledger.enter(sock, "tcp")
        self._sock, self._fd = sock, sock.fileno()
        self._queued = self._accepted = 0
        self._reply(machine.SOCKET_OPENED)

    def _connect_socket(self) -> None:
        sock = self._socket()
        try:
            capability.prepare(sock, socket, self.capability, self.policy)
            number = sock.connect_ex(self._addresses[self._turn % len(self._addresses)][1])
        except OSError as error:
            number = error.errno or errno.EINVAL
        if number in (errno.EINPROGRESS, errno.EWOULDBLOCK, 0):
            self._running_loop().add_writer(sock, self._dialed)
        else:
            self._failed(machine.DIAL_FAILED, number)

    def _dialed(self) -> None:
        """The dial was answered, one way or the other."""
        sock = self._socket()
        self._running_loop().remove_writer(sock)
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._failed(machine.DIAL_FAILED, number)
        else:
            self._tell(machine.CONNECTED if self._tls is None else machine.CONNECTED_FOR_TLS)

    def _tell_of_socket(self, event: str, cause: str = "") -> None:
        """Tell what happened to the socket, unless that socket is closed by the time the keeper listens."""
        sock = self._sock
        self._act(lambda now: self._keeper.on(event, now, cause) if sock is self._sock else ())

    def _failed(self, event: str, number: int) -> None:
        self._tell_of_socket(event, capability.cause_of(number))

    def _start_tls(self) -> None:
        assert self._tls is not None
        self._channel = TlsChannel(self._tls, self._server_name)
        self._running_loop().add_reader(self._socket(), self._readable)
        self._shake_hands()

    def _shake_hands(self) -> None:
        assert self._channel is not None
        try:
            complete = self._channel.handshake()
        except (ssl.SSLError, ssl.CertificateError) as error:
            self._say(f"W ({self.now()}) {journal.TAG}: TLS: {error.__class__.__name__}")
            self._enqueue(self._channel.encrypted())  # the alert that says why
            self._tell_of_socket(machine.SECURE_FAILED, TLS_FAILED)
            return
        self._enqueue(self._channel.encrypted())
        if complete and self.state == machine.SECURING:
            self._tell(machine.SECURED)
            self._decrypt(b"")

    def _hand_over(self) -> None:
        sock = self._socket()
        self._keeper.queued(len(self._out), self.now())  # what is left of the handshake
        local = sock.getsockname()[:2]
        self._connection = Connection(self, f"{self._host}:{self._port}", f"{local[0]}:{local[1]}")
        self._running_loop().add_reader(sock, self._readable)

    def _send_bytes(self) -> None:
        self._transmit(self._to_send.popleft())

    def _queue_heartbeat(self) -> None:
        if self._heartbeat:
            self._transmit(self._heartbeat)

    def _transmit(self, data: bytes) -> None:
        try:
            self._enqueue(data if self._channel is None else self._channel.encrypt(data))
        except ssl.SSLError:
            self._tell_of_socket(machine.SOCKET_FAILED, TLS_FAILED)

    def _say_goodbye(self) -> None:
        if self._channel is not None:
            self._enqueue(self._channel.goodbye())
        self._pump()

    def _close_socket(self) -> None:
        sock = self._socket()
        loop = self._running_loop()
        loop.remove_reader(sock)
        loop.remove_writer(sock)
        try:
            if self.state == machine.CLOSING and self._keeper.cause in DEAD_PEER and self.capability.linger:
                # Nobody would answer a FIN: an abort leaves no PCB that retransmits for 19 minutes.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, capability.ABORT)
            else:
                if self._channel is not None:
                    self._out += self._channel.goodbye()
                if self._out:
                    sock.send(self._out)
                sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # already broken: what matters is the close
        self.ledger.close(self._ticket)
        self._sock, self._channel = None, None
        self._out.clear()
        self._to_send.clear()
        self._reply(machine.SOCKET_CLOSED)

    def _new_epoch(self) -> None:
        self._addresses = []

    def _reboot(self) -> None:
        if self._restart is not None:
            host.guarded(self._restart, None)
        self._reply(machine.STARTED)  # it came back: no reboot happened

    # The socket's own callbacks.

    def _socket(self) -> socket.socket:
        assert self._sock is not None
        return self._sock

    def _readable(self) -> None:
        try:
            data = self._socket().recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._failed(machine.SOCKET_FAILED, error.errno or 0)
            return
        if not data:
            self._tell_of_socket(machine.PEER_CLOSED)
        elif self.state == machine.SECURING:
            assert self._channel is not None
            self._channel.take(data)
            self._shake_hands()
        else:
            self._act(self._keeper.heard)
            self._decrypt(data)

    def _decrypt(self, data: bytes) -> None:
        """Hand ``data`` from the wire to the user, through TLS where there is one."""
        closed = False
        if self._channel is not None:
            self._channel.take(data)
            try:
                data, closed = self._channel.decrypted()
            except ssl.SSLError:
                self._tell_of_socket(machine.SOCKET_FAILED, TLS_FAILED)
                return
            self._enqueue(self._channel.encrypted())  # answers of the protocol itself
        connection = self._connection
        if connection is not None and data:
            connection.received(data)
            if connection.unread_is_full and self._keeper.vitals is not None:
                self._running_loop().remove_reader(self._socket())
                self._keeper.vitals.deafened(True, self.now())
                self._rearm()
        if closed:
            self._tell_of_socket(machine.PEER_CLOSED)

    def _enqueue(self, data: bytes) -> None:
        """Queue ``data`` for the wire and send what the socket takes at once."""
        if not data or self._sock is None:
            return
        self._out += data
        self._queued += len(data)
        if self._keeper.vitals is not None:
            self._keeper.queued(len(data), self.now())
        self._pump()
        if not self._acting:
            self._rearm()

    def _pump(self) -> None:
        """Send while the socket takes it; watch for room while it does not."""
        sock, loop = self._socket(), self._running_loop()
        while self._out:
            try:
                size = sock.send(memoryview(self._out)[:_RECEIVE_BYTES])
            except (BlockingIOError, InterruptedError):
                loop.add_writer(sock, self._writable)
                return
            except OSError as error:
                loop.remove_writer(sock)
                event = machine.SECURE_FAILED if self.state == machine.SECURING else machine.SOCKET_FAILED
                self._failed(event, error.errno or 0)
                return
            del self._out[:size]
            self._accepted += size
            self._keeper.accepted(size, self.now())
            if self._connection is not None:
                self._connection.accepted_up_to(self._accepted)
        loop.remove_writer(sock)
        if self.state == machine.RETIRING:
            try:
                sock.shutdown(socket.SHUT_WR)  # the FIN that the peer shall see before the radio goes dark
            except OSError:
                self._tell_of_socket(machine.PARTED)

    def _writable(self) -> None:
        self._pump()
        if self._sock is not None:
            self._rearm()
