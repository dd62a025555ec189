"""The guarded server of :mod:`halfopen.link` on the twin's lwIP, in virtual time: the same core, other sockets.

``handler(client, data)`` is called with ``b""`` when a client came and with each piece that it sent; it must not wait.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from halfopen.link import capability, guard, journal, machine
from halfopen.link.capability import Capability
from halfopen.link.ledger import Ledger
from halfopen.link.policy import DEAD_PEER, NEVER, Policy
from halfopen.twin.lwip import names
from halfopen.twin.on_lwip import Socket
from halfopen.twin.world import MS, Timer

if TYPE_CHECKING:
    from halfopen.link.guard import Effects, Session
    from halfopen.link.journal import Change
    from halfopen.twin.device import Device

_RECEIVE_BYTES = 1440
#: CONFIG_LWIP_TCP_WND_DEFAULT, rounded up to segments: more cannot wait unread when a socket is closed.
_UNREAD_SEGMENTS_MAX = 5
_EAGAIN = "EAGAIN"

Handler = Callable[["Client", bytes], object]


class Client:
    """One client as the handler sees it; ``rest`` is the handler's own, for a request whose end has not come."""

    def __init__(self, server: GuardedServer, sock: Socket, peer: str) -> None:
        self.server = server
        self.sock = sock
        self.peer = peer
        self.rest = b""
        self.out = b""
        self.leaves = False
        self.ticket = server.ledger.enter(sock, "client")
        self.session: Session = None  # type: ignore[assignment]  # the core makes it once it was told of the client

    def send(self, data: bytes) -> None:
        """Queue ``data``."""
        self.out += data
        self.session.vitals.queued(len(data), self.server.now())
        self.server.pump(self)

    def close(self) -> None:
        """End it in order once all that was queued is sent."""
        self.leaves = True
        self.server.pump(self)


class GuardedServer:
    """Serves ``handler`` on ``port`` of ``device``; see ``link.guard_on_micropython`` for what the numbers mean."""

    def __init__(
        self,
        device: Device,
        port: int,
        handler: Handler,
        *,
        reserve: int = 2,
        patience_ms: float = guard.PATIENCE_MS,
        farewell: bytes = b"",
        policy: Policy | None = None,
        backlog: int = 5,
        keepalive: bool = True,
    ) -> None:
        """Raises :class:`ValueError` when the device's sockets less ``reserve`` leave no room for a session."""
        self._device, self._port, self._backlog = device, port, backlog
        self._sockets = device.stack.sockets
        self._handler, self._farewell = handler, farewell
        self._began = device.world.now
        self._timer: Timer | None = None
        self._vanished = False
        self._listener: Socket | None = None
        self._ticket = 0
        self._clients: dict[int, Client] = {}
        self.ledger = Ledger()
        self.able = Capability(
            stack="lwip",
            keepalive="tuned" if keepalive else "none",
            linger=keepalive and device.stack.options.linger,
            shutdown=keepalive,
        )
        self.core = guard.Guard(
            policy or Policy(),
            self.able,
            cap=guard.session_cap(device.stack.options.max_sockets, reserve),
            patience_ms=patience_ms,
            observe=self._observe,
        )

    def now(self) -> int:
        """Milliseconds since it was made, rounded up."""
        return -((self._began - self._device.world.now) // MS)

    def start(self) -> None:
        """Begin to listen."""
        self._device.on_stop.append(self._vanish)
        bounds = [(cause, self.core.bound_ms(cause)) for cause in capability.CAUSES]
        self._device.console.print(journal.bounds_line(self.now(), bounds))
        self._carry_out(self.core.door(machine.STARTED, self.now()))

    def stop(self) -> None:
        """Close the listening socket and every client."""
        self._carry_out(self.core.stop(self.now()))

    def _vanish(self) -> None:
        """The chip stops: nothing of this server happens any more."""
        self._vanished = True
        self._clients.clear()
        self._listener = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Telling the core, and doing what it says ---------------------------------------------------------------

    def _carry_out(self, effects: Effects) -> None:
        for effect, session in effects:
            act = getattr(self, "_" + effect.lower())
            if session is None:
                act()
            else:
                act(session.wire)
        self._rearm()

    def _tell(self, client: Client, event: str, cause: str = "") -> None:
        if client.session.state != guard.GONE:
            self._carry_out(self.core.on(client.session, event, self.now(), cause))

    def _observe(self, change: Change, session: Session | None) -> None:
        heap = self._device.heap
        fd = session.wire.sock.fileno() if session is not None else None
        self._device.console.print(journal.transition_line(change, fd, heap.free, heap.largest))
        if session is None and change.before == guard.LISTENING and self._listener is not None:
            self._listener.when_ready(None)

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self.core.wake_at()
        if any(client.out for client in self._clients.values()):
            at = min(at, self.now() + self.core.policy.ask_again_ms)
        if at < NEVER and not self._vanished:
            self._timer = self._device.world.at(self._began + int(at * MS), self._time_came)

    def _time_came(self) -> None:
        for client in list(self._clients.values()):
            if client.out:
                self.pump(client)
        while self.core.wake_at() <= self.now():
            self._carry_out(self.core.tick(self.now()))
        self._rearm()

    # The door -----------------------------------------------------------------------------------------------

    def _open_listener(self) -> None:
        try:
            if self._listener is None:
                self._listener = Socket(self._sockets)
                self._ticket = self.ledger.enter(self._listener, "listener")
                self._listener.listen(self._port, self._backlog)
            self._listener.when_ready(lambda _: self._accept())
            self._device.world.after(0, self._accept)  # somebody may wait already
        except OSError as error:
            self._close_listener()
            self._carry_out(self.core.listen_failed(error.errno or 0, self.now()))

    def _close_listener(self) -> None:
        self.ledger.close(self._ticket)
        self._listener = None

    def _collect_garbage(self) -> None:
        """The twin's programs drop no sockets."""

    def _accept(self) -> None:
        listener = self._listener
        if listener is None or self.core.state != guard.LISTENING or not listener.ready() & names.POLLIN:
            return
        self._carry_out(self.core.room(self.now()))
        try:
            sock, peer = listener.accept()
        except OSError as error:
            self._carry_out(self.core.accept_failed(error.errno or 0, self.now()))
            return
        client = Client(self, sock, peer)
        self._clients[sock.fileno()] = client
        heap = self._device.heap
        client.session, effects = self.core.accepted(client.peer, client, self.now(), heap.free, heap.largest)
        self._carry_out(effects)
        self._device.world.after(0, self._accept)

    # What is done for a client, named for the effects -------------------------------------------------------

    def _serve(self, client: Client) -> None:
        policy = self.core.policy
        try:
            if self.able.keepalive == "tuned":
                client.sock.keepalive(policy.keep_idle_s, policy.keep_interval_s, policy.keep_count)
        except OSError as error:
            self._failed(client, error)
            return
        self._watch(client)
        self._handler(client, b"")

    def _watch(self, client: Client) -> None:
        client.sock.when_ready(lambda _: self._look(client))
        self._device.world.after(0, self._look, client)

    def _say_farewell(self, client: Client) -> None:
        self._watch(client)
        with suppress(OSError):  # it is gone already: that will be read
            client.sock.send(self._farewell)

    def _say_goodbye(self, client: Client) -> None:
        if self.able.shutdown:
            try:
                client.sock.shutdown(names.SHUT_WR)
                return
            except OSError:
                pass
        self._tell(client, machine.PARTED)

    def _close_socket(self, client: Client) -> None:
        client.sock.when_ready(None)
        del self._clients[client.sock.fileno()]
        client.out = b""
        with suppress(OSError):
            if client.session.cause in DEAD_PEER:
                if self.able.linger:
                    client.sock.set(names.SO_LINGER, 0)
            else:
                for _ in range(_UNREAD_SEGMENTS_MAX):
                    if not client.sock.recv(_RECEIVE_BYTES):
                        break
        self.ledger.close(client.ticket)
        self._tell(client, machine.SOCKET_CLOSED)

    def _queue_heartbeat(self, client: Client) -> None:
        """No heartbeat is set: silence of a client means nothing here, keepalive watches it."""

    # Bytes --------------------------------------------------------------------------------------------------

    def pump(self, client: Client) -> None:
        """Send what the socket takes; what is left waits for room."""
        try:
            while client.out:
                size = client.sock.send(client.out)
                client.out = client.out[size:]
                client.session.vitals.accepted(size, self.now())
        except OSError as error:
            self._failed(client, error)
            return
        if client.leaves:
            self._tell(client, machine.RELEASED)
        self._rearm()

    def _failed(self, client: Client, error: OSError) -> None:
        if capability.errno_name(error.errno or 0) != _EAGAIN:
            self._tell(client, machine.SOCKET_FAILED, self.able.cause_of(error.errno or 0))

    def _look(self, client: Client) -> None:
        """Something may have come from ``client``, or there may be room."""
        if self._clients.get(client.sock.fileno()) is not client:
            return  # it is gone, or the chip has stopped
        if client.out:
            self.pump(client)
        if self._clients.get(client.sock.fileno()) is not client or not client.sock.ready() & (
            names.POLLIN | names.POLLERR
        ):
            return
        try:
            data = client.sock.recv(_RECEIVE_BYTES)
        except OSError as error:
            self._failed(client, error)
            return
        if not data:
            self._tell(client, machine.PEER_CLOSED)
            return
        self._carry_out(self.core.heard(client.session, self.now()))
        if client.session.state in guard.SERVED and not client.leaves:
            self._handler(client, data)
        self._device.world.after(0, self._look, client)
