"""The guarded server for MicroPython: non-blocking sockets and poll, one step at a time.

The port's asyncio streams are not used: there a ``close()`` does nothing and a cancelled task keeps its descriptor.
:meth:`Guard.serve_once` runs in any loop, :meth:`Guard.serve` beside other asyncio tasks.

    def handler(client, data):
        if data:
            client.send(b"HTTP/1.0 200 OK\\r\\n\\r\\n21.5")
            client.close()

    guard = Guard("0.0.0.0", 80, handler, farewell=b"HTTP/1.0 503 Busy\\r\\nRetry-After: 1\\r\\n\\r\\n")
    guard.start()
    while True:
        guard.serve_once(100)
"""

import gc
import select
import socket
import time

from halfopen.link import capability, guard, journal, machine
from halfopen.link.ledger import Ledger
from halfopen.link.on_micropython import of_this_board, prepare
from halfopen.link.policy import DEAD_PEER, RESET, Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: CONFIG_LWIP_TCP_MSS: more arrives in one piece on no network (ESP-IDF's default).
_RECEIVE_BYTES = 1440
#: While more waits to be sent a client is not read from, so that one who asks and never listens costs no more heap.
_QUEUED_BYTES_MAX = 4096
#: CONFIG_LWIP_TCP_WND_DEFAULT, rounded up: more cannot wait unread when a socket is closed.
_UNREAD_SEGMENTS_MAX = 5


class Client:
    """One client, as the handler sees it; ``lost`` says why it ended, ``None`` while it is there.

    ``rest`` is the handler's own, for the beginning of a request whose end has not come.
    """

    def __init__(self, server: "Guard", sock: "Any", peer: str) -> None:
        self._guard = server
        self.sock = sock
        self.peer = peer
        self.lost: str | None = None
        self.rest = b""
        self.fd = sock.fileno()
        self.ticket = server.ledger.enter(sock, "session")
        #: What waits for the socket, piece by piece as it was given: no copy, no block of memory that must grow.
        self.out: list[bytes | memoryview] = []
        self.leaves = False
        self.session: Any = None

    def send(self, data: bytes) -> None:
        """Queue ``data``, which must not change any more; to a client that is gone nothing is sent."""
        if data and self.lost is None:
            self.out.append(data)
            self.session.vitals.bytes_queued(len(data), self._guard.now())
            self.pump()

    def close(self) -> None:
        """End it in order once all that was queued is sent."""
        self.leaves = True
        self.pump()

    def answer_within(self, limit_ms: float) -> None:
        """Close it as unanswered ``limit_ms`` from now, unless this is called again before; infinity takes it back."""
        self.session.vitals.expects_answer_by(self._guard.now() + limit_ms)

    def pump(self) -> None:
        """Send what the socket takes, and watch it for what is still to come."""
        while self.out and self.lost is None:
            try:
                size = self.sock.send(self.out[0])
            except OSError as error:
                if self._guard.failed(self, error):
                    return
                break
            self.out[0] = memoryview(self.out[0])[size:]
            if not self.out[0]:
                self.out.pop(0)
            self.session.vitals.bytes_accepted(size, self._guard.now())
        if self.lost is None and self.leaves and not self.out:
            self._guard.tell(self, machine.RELEASED)
        elif self.lost is None:
            deaf = self.session.vitals.pending_bytes() > _QUEUED_BYTES_MAX
            self.session.vitals.deafened(deaf, self._guard.now())
            self._guard.watch(self.sock, (0 if deaf else select.POLLIN) | (select.POLLOUT if self.out else 0))


class Guard:
    """Serves ``handler`` on ``address:port``; see ``guard_on_asyncio.Guard`` for what the numbers mean.

    ``handler(client, data)`` is called with ``b""`` when a client came, then with each piece that it sent; it must not
    block. What it raises ends that client alone. ``memory`` tells bytes free and the largest block (on the ESP32 from
    ``esp32.idf_heap_info``), ``say`` gets the journal.
    """

    def __init__(
        self,
        address: str,
        port: int,
        handler: "Callable[[Client, bytes], object]",
        *,
        sockets: int = guard.ESP32_SOCKETS,
        reserve: int = 2,
        cap: "int | None" = None,
        patience_ms: float = guard.PATIENCE_MS,
        farewell: bytes = b"",
        heartbeat: "bytes | None" = None,
        policy: "Policy | None" = None,
        backlog: int = 5,
        memory: "Callable[[], tuple[int | None, int | None]]" = lambda: (None, None),
        say: "Callable[[str], object]" = print,
    ) -> None:
        """Raises :class:`ValueError` when ``sockets`` less ``reserve`` leave no room for ``cap`` sessions."""
        most = guard.session_cap(sockets, reserve)
        if cap is not None and cap > most:
            raise ValueError(f"cap is {cap}, but {sockets} sockets with {reserve} in reserve allow {most}")
        self._where = (address, port, backlog)
        self._handler, self._farewell, self._heartbeat = handler, farewell, heartbeat
        self._memory, self._say = memory, say
        self._poller = select.poll()
        self._clients: dict[int, Client] = {}
        self._listener: Any = None
        self._ticket = 0
        self._ticks = time.ticks_ms()  # type: ignore[attr-defined]
        self._now = 0
        self.ledger = Ledger()
        self.able = of_this_board(wifi=False, reboot=False)
        self.core = guard.Guard(
            policy or Policy(),
            self.able,
            cap=cap or most,
            patience_ms=patience_ms,
            expects_answers=heartbeat is not None,
            observe=self._observe,
        )

    def now(self) -> int:
        """Milliseconds since it was made; the port's own counter wraps after days."""
        ticks = time.ticks_ms()  # type: ignore[attr-defined]
        self._now += time.ticks_diff(ticks, self._ticks)  # type: ignore[attr-defined]
        self._ticks = ticks
        return self._now

    def start(self) -> None:
        """Begin to listen. A port that cannot be had is asked for again and again; the journal says why."""
        bounds = [(cause, self.core.bound_ms(cause)) for cause in capability.CAUSES]
        self._say(journal.bounds_line(self.now(), bounds))
        self._carry_out(self.core.door(machine.STARTED, self.now()))

    def close(self) -> None:
        """Close the listening socket and every client."""
        if self.core.state != machine.IDLE:
            self._carry_out(self.core.stop(self.now()))

    async def serve(self, step_ms: int = 20) -> None:
        """Serve beside other asyncio tasks, looking every ``step_ms``; whatever ends it closes everything."""
        import asyncio

        try:
            while self.core.state != machine.IDLE:
                self.serve_once(0)
                await asyncio.sleep(step_ms / 1000)
        finally:
            self.close()

    def serve_once(self, timeout_ms: int) -> None:
        """Wait for at most ``timeout_ms`` until something happens, and do what it asks for."""
        wait = min(timeout_ms, self.core.wake_at() - self.now())
        if [client for client in self._clients.values() if client.out]:
            wait = min(wait, self.core.policy.ask_again_ms())  # stacks call a socket writable late
        for item in self._poller.poll(max(0, int(wait))):
            client = self._clients.get(id(item[0]))
            if client and item[1] & ~select.POLLOUT:
                self._attend(client, item[1] & select.POLLHUP)
            elif item[0] is self._listener:
                self._accept()
        for client in list(self._clients.values()):
            if client.out:
                client.pump()
        while self.core.wake_at() <= self.now():
            self._carry_out(self.core.tick(self.now()))

    # What clients ask.

    def tell(self, client: Client, event: str, cause: str = "") -> None:
        """``event`` happened to ``client``."""
        self._carry_out(self.core.on(client.session, event, self.now(), cause))

    def failed(self, client: Client, error: OSError) -> bool:
        """A call on its socket failed; false when it would only have blocked."""
        if capability.errno_name(error.errno or 0) == "EAGAIN":
            return False
        self.tell(client, machine.SOCKET_FAILED, self.able.cause_of(error.errno or 0))
        return True

    def watch(self, sock: "Any", mask: int) -> None:
        """Wait for ``mask`` on ``sock``; without POLLHUP the port would call a broken socket writable."""
        self._poller.register(sock, mask | select.POLLHUP)

    # Telling the core, and doing what it says.

    def _carry_out(self, effects: "guard.Effects") -> None:
        for effect, session in effects:
            act = getattr(self, machine.method_of(effect))
            if session is None:
                act()
            else:
                act(session.wire)

    def _observe(self, change: "journal.Change", session: "guard.Session | None") -> None:
        free, largest = self._memory()
        self._say(journal.transition_line(change, session.wire.fd if session else None, free, largest))
        if session is None:
            if change.before == guard.LISTENING and self._listener is not None:
                self._poller.unregister(self._listener)
        elif change.state not in guard.SERVED:
            session.wire.lost = journal.spelt(session.cause)

    def _attend(self, client: Client, broken: int) -> None:
        """Take what came, if anything did; ``broken`` when poll said so, though the call may not."""
        try:
            data = client.sock.recv(_RECEIVE_BYTES)
        except OSError as error:
            if not self.failed(client, error) and broken:
                self.tell(client, machine.SOCKET_FAILED, RESET)
            return
        if not data:
            self.tell(client, machine.PEER_CLOSED)
        elif client.lost is None:
            self._carry_out(self.core.heard(client.session, self.now()))
            if not client.leaves:
                self._handle(client, data)

    def _handle(self, client: Client, data: bytes) -> None:
        try:
            self._handler(client, data)
        except Exception as error:
            self._say(f"W ({self.now()}) {journal.TAG}: handler: {error!r}")
            if client.lost is None:
                self.tell(client, machine.RELEASED, guard.HANDLER_FAILED)

    # The door.

    def _open_listener(self) -> None:
        try:
            if self._listener is None:
                self._listener = socket.socket()
                self._ticket = self.ledger.enter(self._listener, "listener")
                self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._listener.bind(socket.getaddrinfo(*self._where[:2])[0][-1])
                self._listener.listen(self._where[2])
                self._listener.setblocking(False)
            self._poller.register(self._listener, select.POLLIN)
        except OSError as error:
            self._close_listener()
            self._carry_out(self.core.listen_failed(error.errno or 0, self.now()))

    def _close_listener(self) -> None:
        self.ledger.close(self._ticket)
        self._listener = None

    def _collect_garbage(self) -> None:
        gc.collect()  # sockets that the program dropped without closing

    def _accept(self) -> None:
        self._carry_out(self.core.room(self.now()))
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            self._carry_out(self.core.accept_failed(error.errno or 0, self.now()))
            return
        client = Client(self, sock, _name(address))
        self._clients[id(sock)] = client
        free, largest = self._memory()
        client.session, effects = self.core.accepted(client.peer, client, self.now(), free, largest)
        self._carry_out(effects)

    # What is done for a client, named for the effects.

    def _serve(self, client: Client) -> None:
        try:
            prepare(client.sock, self.core.policy)
        except OSError as error:
            self.failed(client, error)
            return
        self.watch(client.sock, select.POLLIN)
        self._handle(client, b"")

    def _queue_heartbeat(self, client: Client) -> None:
        client.send(self._heartbeat or b"")

    def _say_farewell(self, client: Client) -> None:
        """The request may still be on its way: the close waits for the client's, or until the time to part is over."""
        client.sock.setblocking(False)
        self.watch(client.sock, select.POLLIN)
        try:
            client.sock.send(self._farewell)
        except OSError:
            pass  # it is gone already: that will be read

    def _say_goodbye(self, client: Client) -> None:
        """There is no shutdown, so the FIN is the close; what was left unread must not make an RST of it."""
        self.tell(client, machine.PARTED)

    def _close_socket(self, client: Client) -> None:
        self._poller.unregister(client.sock)
        del self._clients[id(client.sock)]
        client.out = []
        if client.session.cause not in DEAD_PEER:
            try:
                for _ in range(_UNREAD_SEGMENTS_MAX):
                    if not client.sock.recv(_RECEIVE_BYTES):
                        break
            except OSError:
                pass  # nothing more is there, or nothing can be
        self.ledger.close(client.ticket)
        self.tell(client, machine.SOCKET_CLOSED)


def _name(address: "Any") -> str:
    """``host:port`` of what accept() returned: the Unix port gives a packed address, others a tuple."""
    if isinstance(address, tuple):
        return f"{address[0]}:{address[1]}"
    _, host, port = socket.sockaddr(address)[:3]  # type: ignore[attr-defined]
    return ".".join([str(byte) for byte in host]) + f":{port}"
