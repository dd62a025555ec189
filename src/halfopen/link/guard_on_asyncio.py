"""The guarded server for CPython's asyncio: one handler per client, and none that can starve the others.

As in ``on_asyncio`` every step on a socket is a callback of the event loop: no cancelled task can leave a descriptor
behind, and no client, however dead or slow, holds anything but its own handler.
"""

from __future__ import annotations

import asyncio
import gc
import select
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType

from halfopen.link import capability, guard, host, journal, machine, options
from halfopen.link.buffered import Buffered
from halfopen.link.connection import Connection, Lost
from halfopen.link.guard import ESP32_SOCKETS, PATIENCE_MS, Session, session_cap
from halfopen.link.journal import Change
from halfopen.link.policy import DEAD_PEER, NEVER, Policy

__all__ = ["Change", "Connection", "Guard", "Lost", "Policy"]

_RECEIVE_BYTES = 65536
#: What is read and thrown away before a close, so that it sends FIN and not RST: a client that sends more than this
#: while it is shown out must live with the RST.
_DRAINED_BYTES_MAX = 256 * 1024

Handler = Callable[[Connection], Awaitable[None]]


class Guard:
    """Serves ``handler`` on ``host_name:port`` (port 0: any free one) to at most ``cap`` clients at a time.

    Without ``cap`` it follows from ``sockets``, the descriptors the system has, and ``reserve``, those that are kept for
    outgoing connections. ``farewell`` is sent to a client that is refused (an HTTP 503, say). A client must be silent
    for ``patience_ms`` before a newcomer may take its place. ``heartbeat`` is what clients answer; ``b""`` says that
    they speak by themselves, so that ``silence_ms + answer_ms`` of the policy is an idle limit; ``None`` that silence
    means nothing. ``say`` gets the journal (default: the logger ``halfopen.link``); ``memory`` tells bytes free and the
    largest block: newcomers are refused while the policy's heap gate is closed.
    """

    def __init__(
        self,
        host_name: str,
        port: int,
        handler: Handler,
        *,
        cap: int | None = None,
        sockets: int = ESP32_SOCKETS,
        reserve: int = 2,
        patience_ms: float = PATIENCE_MS,
        farewell: bytes = b"",
        heartbeat: bytes | None = None,
        policy: Policy | None = None,
        backlog: int = 100,
        say: Callable[[str], None] | None = None,
        memory: Callable[[], tuple[int | None, int | None]] = host.memory,
    ) -> None:
        """Raises :class:`ValueError` for numbers that leave no session, :class:`OSError` when no socket is left to probe."""
        if not 0 <= port < 65536:
            raise ValueError(f"no such port: {port}")
        self._address, self._backlog = (host_name, port), backlog
        self._handler, self._farewell, self._heartbeat = handler, farewell, heartbeat
        self._users_say, self._users_memory = say or host.log, memory
        self.ledger = host.ComputersLedger()
        self.capability = options.probe(socket, select, host.stack(), wifi=False, reboot=False)
        self._core = guard.Guard(
            policy or Policy(),
            self.capability,
            cap=session_cap(sockets, reserve) if cap is None else cap,
            patience_ms=patience_ms,
            expects_answers=heartbeat is not None,
            observe=self._observe,
        )
        #: How often each event of the journal happened, by its name: ``ACCEPTED``, ``REFUSED``, ``EVICTED`` and so on.
        self.counts: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._listener: socket.socket | None = None
        self._ticket = 0
        self._tasks: set[asyncio.Task[None]] = set()

    # What the user sees.

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._address[1]

    @property
    def policy(self) -> Policy:
        """Its deadlines and limits."""
        return self._core.policy

    @property
    def cap(self) -> int:
        """How many clients are served at a time."""
        return self._core.cap

    @property
    def sessions(self) -> list[Connection]:
        """The clients served now, in the order they came."""
        served = [s for s in self._core.sessions.values() if s.state in guard.SERVED]
        return [session.wire.connection for session in served]

    def bound(self, cause: str) -> float:
        """The longest time in seconds for which a client dead by ``cause`` keeps its session; see ``Link.bound``."""
        return self._core.bound_ms(cause) / 1000

    async def __aenter__(self) -> Guard:
        """Raises :class:`OSError` when it cannot listen."""
        if self._loop is not None:
            raise RuntimeError("this guard was entered before; make a new one")
        self._loop = asyncio.get_running_loop()
        self._listen()
        self._began = self._loop.time()
        self._say(f"I (0) {journal.TAG}: capability {self.capability}")
        self._say(journal.bounds_line(0, [(c, self._core.bound_ms(c)) for c in capability.CAUSES]))
        self._carry_out(self._core.door(machine.STARTED, 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._carry_out(self._core.stop(self.now()))
        if self._timer is not None:
            self._timer.cancel()
        self.ledger.sweep(last=True)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.policy.parting_ms / 1000)

    def now(self) -> int:
        """Milliseconds since it was entered, rounded up so that a deadline that has come is seen."""
        return 0 if self._loop is None else int((self._loop.time() - self._began) * 1000 + 0.999)

    @property
    def injects(self) -> bool:
        """Whether heartbeats are sent between the handlers' bytes."""
        return bool(self._heartbeat)

    # Telling the core, and doing what it says.

    def running_loop(self) -> asyncio.AbstractEventLoop:
        """The loop it was entered in. Raises :class:`RuntimeError` before."""
        if self._loop is None:
            raise RuntimeError("enter the guard first: async with Guard(…) as guard")
        return self._loop

    def tell(self, wire: Wire, event: str, cause: str = "") -> None:
        """``event`` happened to the session of ``wire``; nothing when that is over."""
        session = wire.session
        if session is not None and session.number in self._core.sessions:
            self._carry_out(self._core.on(session, event, self.now(), cause))
            self.rearm()

    def heard(self, wire: Wire) -> None:
        """Bytes came from the client."""
        if wire.session is not None:
            self._carry_out(self._core.heard(wire.session, self.now()))
            self.rearm()

    def _carry_out(self, effects: guard.Effects) -> None:
        for effect, session in effects:
            act = getattr(self, machine.method_of(effect))
            if session is None:
                act()
            else:
                act(session.wire)

    def rearm(self) -> None:
        """Set the one timer to the next deadline, or to when a socket that takes nothing is offered its bytes again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._core.wake_at()
        if any(session.wire.out for session in self._core.sessions.values()):
            at = min(at, self.now() + self.policy.ask_again_ms())
        if at < NEVER:
            self._timer = self.running_loop().call_at(self._began + at / 1000, self._time_came)

    def _time_came(self) -> None:
        for session in list(self._core.sessions.values()):
            session.wire.pump()
        now = self.now()
        while self._core.wake_at() <= now:
            self._carry_out(self._core.tick(now))
        self.rearm()

    def _observe(self, change: Change, session: Session | None) -> None:
        self.counts[change.event] += 1
        wire = None if session is None else session.wire
        free, block = self._memory()
        self._say(journal.transition_line(change, None if wire is None else wire.fd, free, block))
        if wire is None:
            if change.state != guard.LISTENING and self._listener is not None:
                self.running_loop().remove_reader(self._listener)
        elif change.before in guard.SERVED and change.state not in guard.SERVED:
            wire.connection.end(change.cause)
            if wire.task is not None:
                # A handler that waits for something else than its client would never learn that it is gone.
                self.running_loop().call_later(self.policy.parting_ms / 1000, wire.task.cancel)

    def _say(self, line: str) -> None:
        host.guarded(lambda: self._users_say(line), None)

    def _memory(self) -> tuple[int | None, int | None]:
        untold: tuple[int | None, int | None] = (None, None)
        return host.guarded(self._users_memory, untold)

    # The door.

    def _listen(self) -> None:
        """A listening socket. Raises :class:`OSError`."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._listener = socket.create_server(self._address, family=family, backlog=self._backlog)
        self._ticket = self.ledger.enter(self._listener, "listener")
        self._listener.setblocking(False)
        self._address = (
            self._address[0],
            self._listener.getsockname()[1],
        )  # the same one if it must be made anew

    def _open_listener(self) -> None:
        if self._listener is None:
            try:
                self._listen()
            except OSError as error:
                self._carry_out(self._core.listen_failed(error.errno or 0, self.now()))
                return
        assert self._listener is not None
        self.running_loop().add_reader(self._listener, self._acceptable)

    def _close_listener(self) -> None:
        if self._listener is not None:
            self.running_loop().remove_reader(self._listener)
            self.ledger.close(self._ticket)
            self._listener = None

    def _collect_garbage(self) -> None:
        gc.collect()  # sockets that the program dropped without closing

    def _acceptable(self) -> None:
        assert self._listener is not None
        self._carry_out(self._core.room(self.now()))
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            self._carry_out(self._core.accept_failed(error.errno or 0, self.now()))
        else:
            wire = Wire(self, sock, f"{address[0]}:{address[1]}")
            free, block = self._memory()
            wire.session, effects = self._core.accepted(wire.connection.peer, wire, self.now(), free, block)
            self._carry_out(effects)
        self.rearm()

    # What is done for a session, named for the effects.

    def _serve(self, wire: Wire) -> None:
        try:
            options.prepare(wire.sock, socket, self.capability, self.policy)
        except OSError as error:
            self.tell(wire, machine.SOCKET_FAILED, self.capability.cause_of(error.errno or 0))
            return
        self.running_loop().add_reader(wire.sock, wire.readable)
        task: asyncio.Task[None] = self.running_loop().create_task(self._handle(wire.connection))
        wire.task = task
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._handled(wire, task))

    async def _handle(self, connection: Connection) -> None:
        await self._handler(connection)

    def _handled(self, wire: Wire, task: asyncio.Task[None]) -> None:
        """A callback and no part of the task: a task that is cancelled before it began runs no line of its own."""
        self._tasks.discard(task)
        wire.task = None
        error = None if task.cancelled() else task.exception()
        failed = error is not None and not (isinstance(error, Lost) and error.connection is wire.connection)
        if failed:
            host.LOG.error("the handler of %s failed", wire.connection.peer, exc_info=error)
        if wire.connection.lost is None:
            self.tell(wire, machine.RELEASED, guard.HANDLER_FAILED if failed else "")

    def _queue_heartbeat(self, wire: Wire) -> None:
        if self._heartbeat:
            wire.enqueue(self._heartbeat)

    def _say_farewell(self, wire: Wire) -> None:
        wire.sock.setblocking(False)
        wire.out += self._farewell
        self._say_goodbye(wire)

    def _say_goodbye(self, wire: Wire) -> None:
        """What is left to say, then FIN; the client's FIN is awaited and what it still sends is thrown away."""
        loop = self.running_loop()
        loop.remove_writer(wire.sock)
        try:
            if wire.out:
                wire.sock.send(wire.out)
            wire.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.tell(wire, machine.PARTED)
            return
        finally:
            wire.out.clear()
        loop.add_reader(wire.sock, wire.readable)

    def _close_socket(self, wire: Wire) -> None:
        loop = self.running_loop()
        loop.remove_reader(wire.sock)
        loop.remove_writer(wire.sock)
        assert wire.session is not None
        try:
            if wire.session.cause in DEAD_PEER and self.capability.linger:
                # Nobody would answer a FIN: an abort leaves no PCB behind.
                wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, options.ABORT)
            else:
                wire.drain()
                wire.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # already broken: what matters is the close
        self.ledger.close(wire.ticket)
        wire.out.clear()
        self._carry_out(self._core.on(wire.session, machine.SOCKET_CLOSED, self.now()))


class Wire:
    """One client's socket and its queue; it carries the :class:`Connection` that the handler holds."""

    def __init__(self, server: Guard, sock: socket.socket, peer: str) -> None:
        self._guard = server
        #: Who owns its descriptor.
        self.ledger = server.ledger
        self.sock = sock
        self.ticket = self.ledger.enter(sock, "session")
        self.fd = sock.fileno()
        self.session: Session | None = None
        self.task: asyncio.Task[None] | None = None
        self.out = bytearray()
        self._queued = self._accepted = 0
        local = sock.getsockname()
        self.connection = Connection(self, peer, f"{local[0]}:{local[1]}")

    # What the connection asks.

    @property
    def injects(self) -> bool:
        """Whether heartbeats are sent between the handler's bytes."""
        return self._guard.injects

    def now(self) -> int:
        """Milliseconds of the guard's clock."""
        return self._guard.now()

    def send(self, connection: Buffered, data: bytes) -> int:
        """Queue ``data``; where its end stands in the stream of bytes sent."""
        self.enqueue(data)
        return self._queued

    def release(self, connection: Buffered) -> None:
        """The handler is done with it."""
        self._guard.tell(self, machine.RELEASED)

    def expect_answer(self, connection: Buffered, due: float) -> None:
        """Close it as unanswered at ``due``."""
        if self.session is not None:
            self.session.vitals.expects_answer_by(due)
            self._guard.rearm()

    def resume(self, connection: Buffered) -> None:
        """There is room for more to be read."""
        if self.session is not None and connection.lost is None:
            self.session.vitals.deafened(False, self.now())
            self._guard.running_loop().add_reader(self.sock, self.readable)
            self._guard.rearm()

    # The socket's own callbacks.

    def _failed(self, error: OSError) -> None:
        self._guard.tell(self, machine.SOCKET_FAILED, self._guard.capability.cause_of(error.errno or 0))

    def readable(self) -> None:
        """Take what came; once the session parts it is thrown away."""
        try:
            data = self.sock.recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._failed(error)
            return
        if not data:
            self._guard.tell(self, machine.PEER_CLOSED)
        elif self.session is not None and self.session.state in guard.SERVED:
            self._guard.heard(self)
            self.connection.received(data)
            if self.connection.unread_is_full:
                self._guard.running_loop().remove_reader(self.sock)
                self.session.vitals.deafened(True, self.now())
                self._guard.rearm()

    def drain(self) -> None:
        """Read what is there and throw it away."""
        try:
            for _ in range(_DRAINED_BYTES_MAX // _RECEIVE_BYTES):
                if not self.sock.recv(_RECEIVE_BYTES):
                    return
        except OSError:
            pass  # nothing more is there, or nothing can be

    def enqueue(self, data: bytes) -> None:
        """Queue ``data`` and send what the socket takes at once."""
        if self.session is None or self.session.state not in guard.SERVED:
            return
        self.out += data
        self._queued += len(data)
        self.session.vitals.bytes_queued(len(data), self.now())
        self.pump()
        self._guard.rearm()

    def pump(self) -> None:
        """Send while the socket takes it; watch for room while it does not."""
        loop = self._guard.running_loop()
        while self.out and self.session is not None:
            try:
                size = self.sock.send(memoryview(self.out)[:_RECEIVE_BYTES])
            except (BlockingIOError, InterruptedError):
                loop.add_writer(self.sock, self.writable)
                return
            except OSError as error:
                self._failed(error)
                return
            del self.out[:size]
            self._accepted += size
            self.session.vitals.bytes_accepted(size, self.now())
            self.connection.accepted_up_to(self._accepted)
        if self.sock.fileno() >= 0:
            loop.remove_writer(self.sock)

    def writable(self) -> None:
        """The socket has room."""
        self.pump()
        self._guard.rearm()
