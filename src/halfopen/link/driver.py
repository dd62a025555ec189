"""What every driver does alike: tells the keeper one thing at a time, carries out effects, moves bytes, says the journal.

A driver of a port derives from :class:`Driver` and carries out the effects that are left: a method for each, named for
the effect (``_join_wifi`` for ``JOIN_WIFI``). This module runs on MicroPython and on CPython.
"""

import errno
import gc

from halfopen.link import capability, journal, machine
from halfopen.link.keeper import Keeper
from halfopen.link.policy import DESCRIPTORS, DRIVER_ERROR, NEVER, TLS_FAILED, Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from halfopen.link.buffered import Buffered
    from halfopen.link.capability import Capability
    from halfopen.link.journal import Change
    from halfopen.link.ledger import Ledger

ONLINE = (machine.ONLINE, machine.DOUBTED)


class Driver:
    """One link, but for the port it runs on; see the drivers for the arguments."""

    #: The socket takes nothing now.
    _later = errno.EAGAIN

    def __init__(
        self,
        policy: "Policy | None",
        able: "Capability",
        heartbeat: "bytes | None",
        tls: "Any",
        server_name: str,
        say: "Callable[[str], Any]",
        memory: "Callable[[], tuple[int | None, int | None]]",
        chance: "Callable[[], float]",
        ledger: "Ledger",
        reboot: "Callable[[], Any] | None",
        reboots_ago_ms: "tuple[int, ...]",
        literal: "Any",
    ) -> None:
        if reboots_ago_ms and min(reboots_ago_ms) < 0:
            raise ValueError("negative reboots_ago_ms")
        self.capability = able
        self.ledger = ledger
        self._heartbeat, self._tls, self._server_name = heartbeat, tls, server_name
        self._users_say, self._users_memory, self._restart = say, memory, reboot
        #: Its deadlines and limits.
        self.policy = policy or Policy()
        self._keeper = Keeper(
            self.policy,
            able,
            heartbeat is not None,
            chance,
            self._observe,
            [-ago for ago in reboots_ago_ms],
        )
        #: What the host's name means as far as known, without asking, when it was last answered, and to be tried when the
        #: last lookup failed: an address that served is better than none.
        self._known = self._literal = literal
        self._last_good = self._fallback = None
        #: What happened and was not told yet: event, cause, and the socket or connection that it must still concern.
        self._inbox: list[tuple[str, str, Any]] = []
        self._acting = False
        self._least_free: float = NEVER
        self._sock: Any = None
        self._ticket = 0
        self._fd: int | None = None
        self._channel: Any = None
        self._out = bytearray()
        self._queued = self._accepted = 0
        self._to_send: list[bytes] = []
        self._watched = (False, False)
        self._ask_at: float = NEVER
        self._connection: Buffered | None = None

    # What the user sees.

    @property
    def state(self) -> str:
        """The state of ``link.machine`` it is in."""
        return journal.spelt(self._keeper.state)

    @property
    def lingering(self) -> int:
        """PCBs that closes towards dead peers left in the stack and that have not drained."""
        return self._keeper.lingering(self.now())

    @property
    def reboots_ago_ms(self) -> "tuple[int, ...]":
        """How long ago the link asked for a reboot, the one under way included: what ``reboot`` must keep for the next boot."""
        budget = self._keeper.escalation.budget
        return () if budget is None else tuple([self.now() - at for at in budget.reboots])

    def bound(self, cause: str) -> float:
        """The longest time in seconds for which a dead peer can go unnoticed; infinite when nothing can notice.

        ``cause`` is ``idle``, ``unacked``, ``full-buffer`` or ``zero-window``; raises :class:`ValueError` else.
        """
        return self._bound_ms(cause) / 1000

    def _bound_ms(self, cause: str) -> float:
        return self.capability.notices_ms(cause, self.policy, self._heartbeat is not None)

    def wake(self) -> None:
        """Begin a new epoch after ``prepare_sleep``."""
        self._tell(machine.WOKE)

    def roamed(self, before: str, after: str) -> None:
        """The access point changed: an address that stayed keeps its sockets, a changed one closes them."""
        self._tell(machine.ROAMED if before == after else machine.ADDRESS_CHANGED)

    def wifi_lost(self) -> None:
        """Layer 2 is gone: join again."""
        self._tell(machine.WIFI_LOST)

    def radio_trouble(self) -> None:
        """A beacon loss or an expiry by the access point; repeated, it switches power save off."""
        budget = self._keeper.escalation.budget
        if budget is not None and budget.doze_trouble(self.now()):
            self._tell(machine.DOZE_FORBIDDEN)

    def power_save_off(self) -> None:
        """Switch power save off, on request."""
        self._tell(machine.DOZE_FORBIDDEN)

    # What a connection asks.

    def now(self) -> int:
        """Milliseconds since the link began, never less than before."""
        raise NotImplementedError

    def send(self, connection: "Buffered", data: bytes) -> int:
        """Queue ``data`` of ``connection``; where its end stands in the stream of bytes sent."""
        self._to_send.append(data)
        self._tell(machine.SEND_ASKED, "", connection)
        return self._queued

    def release(self, connection: "Buffered") -> None:
        """``connection`` is no longer wanted."""
        self._tell(machine.RELEASED, "", connection)

    def expect_answer(self, connection: "Buffered", due: float) -> None:
        """Close ``connection`` as unanswered at ``due``; ``NEVER`` when no answer is awaited any more."""
        if connection is self._connection and self._keeper.vitals is not None:
            self._keeper.vitals.expects_answer_by(due)
            self._rearm()

    def resume(self, connection: "Buffered") -> None:
        """The user of ``connection`` made room: read on."""
        if connection is self._connection and self._keeper.vitals is not None:
            self._keeper.vitals.deafened(False, self.now())
            self._watch(True, bool(self._out))
            self._rearm()

    # Telling the keeper, and doing what it says.

    def _begin(self) -> None:
        self._say_what_it_can()
        self._tell(machine.STARTED)

    def _say_what_it_can(self) -> None:
        self._say(f"I (0) {journal.TAG}: capability {self.capability.said()}")
        self._say(journal.bounds_line(0, [(c, self._bound_ms(c)) for c in capability.CAUSES]))

    def _tell(self, event: str, cause: str = "", of: "Any" = None) -> None:
        """Tell the keeper, unless ``of``, a socket or a connection, is the link's no more by the time it listens."""
        self._inbox.append((event, cause, of))
        if not self._acting:
            self._act()

    def _reply(self, event: str, cause: str = "") -> None:
        """Tell at once what came of an effect, before anything else that waits to be told."""
        self._inbox.insert(0, (event, cause, None))

    def _act(self) -> None:
        """Hand what waits to the keeper and carry out its effects, one thing at a time; no event: a clock may have run out."""
        self._acting = True
        try:
            while self._inbox:
                event, cause, of = self._inbox.pop(0)
                if of is not None and of is not self._sock and of is not self._connection:
                    continue
                now = self.now()
                for effect in self._keeper.on(event, now, cause) if event else self._keeper.tick(now):
                    try:
                        getattr(self, machine.method_of(effect))()
                    except Exception as error:
                        self._could_not(effect, error)
        finally:
            self._acting = False
            self._inbox.clear()
            self._rearm()

    def _could_not(self, effect: str, error: Exception) -> None:
        """Carrying out ``effect`` raised what nobody foresaw: the attempt fails, the link goes on."""
        self._note(
            "E", f"{journal.spelt(effect)}: {error!r}"
        )  # repr leaves nothing that could steer a terminal
        failure = machine.failure_of(effect)
        if failure:
            self._reply(failure, DRIVER_ERROR)

    def _due_at(self) -> float:
        """When :meth:`_time_came` wants to be called next."""
        return min(self._keeper.wake_at(), self._ask_at)

    def _time_came(self) -> None:
        """A clock ran out, or it is time to offer bytes again to a socket that does not call itself writable."""
        if self._ask_at <= self.now():
            self._pump()
        self._tell("")

    def _observe(self, change: "Change") -> None:
        # first what the users hold, then what is told: whoever is told may call back
        if self._connection is not None and change.before in ONLINE and change.state not in ONLINE:
            self._connection.end(journal.spelt(change.cause))
            self._connection = None
        if change.before == machine.RESOLVING and change.state == machine.PAUSED:
            self._fallback = self._last_good
        fd = self._fd
        if change.event == machine.SOCKET_CLOSED:
            self._fd = None
        free, block = self._memory()
        if free is not None:
            self._least_free = min(free, self._least_free)
            if change.state == machine.OPENING or change.event == machine.SOCKET_CLOSED:
                self._say(journal.heap_line(change.at, free, self._least_free))
        self._say(journal.transition_line(change, fd, free, block, self._detail(change)))

    def _note(self, level: str, what: str) -> None:
        self._say(f"{level} ({self.now()}) {journal.TAG}: {what}")

    def _say(self, line: str) -> None:
        self._guarded(self._users_say, line)

    def _memory(self) -> "tuple[int | None, int | None]":
        return self._guarded(self._users_memory) or (None, None)

    # What a port does its own way.

    def _guarded(self, call: "Callable[..., Any]", *given: "Any") -> "Any":
        """What the user's ``call`` returns, ``None`` when it fails: its error must not stop a transition half-way."""
        raise NotImplementedError

    def _detail(self, change: "Change") -> str:
        """What the port knows of ``change`` besides, for its line: ``name=figure``, or nothing."""
        return ""

    def _rearm(self) -> None:
        """The keeper's next deadline may have changed."""

    def _watch_for(self, reads: bool, writes: bool) -> None:
        """Have the connected socket watched for bytes to read and for room to write, and for nothing else."""
        raise NotImplementedError

    def _unwatch(self) -> None:
        """The socket, connected or not, is about to be closed."""
        raise NotImplementedError

    def _open_channel(self) -> "Any":
        """A TLS session in memory, as :class:`halfopen.link.tls.TlsChannel`."""
        raise NotImplementedError

    def _make_connection(self) -> "Buffered":
        """What the user holds while this connection stands."""
        raise NotImplementedError

    def _look_up(self) -> None:
        """Find out what the name means."""
        raise NotImplementedError

    # The effects that are alike everywhere.

    def _resolve_name(self) -> None:
        self._known, self._fallback = self._known or self._fallback, None
        if self._known:
            self._reply(machine.NAME_KNOWN)
        else:
            self._look_up()

    def _name_found(self, meaning: "Any") -> None:
        self._known = self._last_good = meaning
        self._tell(machine.NAME_RESOLVED)

    def _forget_name(self) -> None:
        self._known = self._literal

    _new_epoch = _forget_name

    def _check_heap(self) -> None:
        free, block = self._memory()
        self._reply(self.policy.gate(free, block, self._tls is not None))

    def _sweep(self) -> None:
        if self._keeper.cause == DESCRIPTORS:
            gc.collect()  # sockets that the program dropped without closing
        swept = self.ledger.sweep()  # no sweep comes while the attempt owns one
        if swept:
            self._note("W", f"swept {swept} orphaned descriptors")

    def _own_socket(self, sock: "Any") -> None:
        """A socket was made for this attempt."""
        self._ticket = self.ledger.enter(sock, "tcp")
        self._sock, self._fd = sock, sock.fileno()
        self._queued = self._accepted = 0
        self._reply(machine.SOCKET_OPENED)

    def _no_socket(self, error: OSError) -> None:
        """``socket()`` failed."""
        number = error.errno or 0
        event = capability.event_of_refusal(number)
        cause = self.capability.cause_of(number) if number else "socket-refused"
        self._reply(event, cause if event == machine.SOCKET_REFUSED else "")

    def _tell_of_socket(self, event: str, cause: str = "") -> None:
        """Tell what happened to the socket, unless that socket is closed by the time the keeper listens."""
        self._tell(event, cause, self._sock)

    def _failed(self, event: str, error: OSError) -> None:
        self._tell_of_socket(event, self.capability.cause_of(error.errno or 0))

    def _dialed(self) -> None:
        """The peer answered the dial."""
        self._tell(machine.CONNECTED if self._tls is None else machine.CONNECTED_FOR_TLS)

    def _start_tls(self) -> None:
        self._channel = self._open_channel()
        self._watch(True, False)
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            complete = self._channel.handshake()
        except OSError as error:  # ssl.SSLError is one
            self._note("W", f"TLS: {error.__class__.__name__}")
            self._tell_of_socket(machine.SECURE_FAILED, TLS_FAILED)
            return
        self._enqueue(self._channel.encrypted())
        if complete and self._keeper.state == machine.SECURING:
            self._tell(machine.SECURED)
            self._decrypt()

    def _hand_over(self) -> None:
        self._queue(len(self._out))  # what is left of the handshake
        self._connection = self._make_connection()
        self._watch(True, bool(self._out))

    def _send_bytes(self) -> None:
        self._transmit(self._to_send.pop(0))

    def _queue_heartbeat(self) -> None:
        if self._heartbeat:
            self._transmit(self._heartbeat)

    def _transmit(self, data: bytes) -> None:
        if self._channel is None:
            self._enqueue(data)
        else:
            self._encrypt(data)

    def _encrypt(self, data: bytes) -> None:
        try:
            self._enqueue(self._channel.encrypt(data))
        except OSError:
            self._tell_of_socket(machine.SOCKET_FAILED, TLS_FAILED)

    def _close_socket(self) -> None:
        self._unwatch()
        self._watched = (False, False)
        sock = self._sock
        try:
            if self._keeper.peer_is_dead:
                self._abandon(sock)
            else:
                if self._channel is not None:
                    self._out += self._channel.goodbye()
                if self._out:
                    sock.send(self._out)
                if self.capability.shutdown:
                    sock.shutdown(2)  # SHUT_RDWR, the same number everywhere
        except OSError:
            pass  # already broken: what matters is the close
        finally:
            self.ledger.close(self._ticket)
            self._sock = self._channel = None
            self._out = bytearray()
            self._to_send.clear()
            self._ask_at = NEVER
        self._reply(machine.SOCKET_CLOSED)

    def _abandon(self, sock: "Any") -> None:
        """Nobody would answer a FIN: have the close abort, where the port can."""

    def _say_goodbye(self) -> None:
        if self._channel is not None:
            self._enqueue(self._channel.goodbye())
        self._pump()

    def _finish(self) -> None:
        """All is sent before sleep: let the peer see a FIN and wait for its own, where the port can."""
        if self.capability.shutdown:
            try:
                self._sock.shutdown(1)  # SHUT_WR, the same number everywhere
                return
            except OSError:
                pass
        self._tell_of_socket(machine.PARTED)

    def _reboot(self) -> None:
        if self._restart is not None:
            self._guarded(self._restart)
        self._reply(machine.STARTED)  # it came back: no reboot happened

    # Bytes.

    def _watch(self, reads: bool, writes: bool) -> None:
        if self._watched != (reads, writes):
            self._watched = (reads, writes)
            self._watch_for(reads, writes)

    def _received(self, data: "Any") -> None:
        """``data`` came from the wire; empty when the peer closed."""
        if not data:
            self._tell_of_socket(machine.PEER_CLOSED)
        elif self._channel is None:
            self._tell(machine.HEARD)
            self._hand_on(data)
        else:
            self._received_sealed(data)

    def _received_sealed(self, data: "Any") -> None:
        self._channel.take(data)
        if self._keeper.state == machine.SECURING:
            self._shake_hands()
        else:
            self._tell(machine.HEARD)
            self._decrypt()

    def _decrypt(self) -> None:
        """Hand on what TLS has ready, and do what it asks for itself."""
        data, closed = self._channel.decrypted()
        self._enqueue(self._channel.encrypted())  # answers of the protocol itself
        self._hand_on(data)
        if self._channel is not None and self._channel.broken:
            self._tell_of_socket(machine.SOCKET_FAILED, TLS_FAILED)
        elif closed:
            self._tell_of_socket(machine.PEER_CLOSED)

    def _hand_on(self, data: "Any") -> None:
        """Give ``data`` to the user, and stop reading when there is no room for more."""
        connection, vitals = self._connection, self._keeper.vitals
        if connection is not None and data:
            connection.received(data)
            if connection.unread_is_full and vitals is not None:
                self._watch(False, bool(self._out))
                vitals.deafened(True, self.now())
                what = f"{connection.unread_bytes} bytes wait unread: until they are read, silence proves nothing"
                self._note("W", what)
                self._rearm()

    def _enqueue(self, data: bytes) -> None:
        """Queue ``data`` for the wire and send what the socket takes at once."""
        if not data or self._sock is None:
            return
        self._out += data
        self._queued += len(data)
        self._queue(len(data))
        self._pump()
        if not self._acting:
            self._rearm()

    def _queue(self, size: int) -> None:
        if self._keeper.vitals is not None:
            self._keeper.vitals.bytes_queued(size, self.now())

    def _pump(self) -> None:
        """Send while the socket takes it; watch for room while it does not."""
        reads = self._connection is None or not self._connection.unread_is_full
        while self._out:
            try:
                size = self._sock.send(self._out)
            except OSError as error:
                if error.errno == self._later:
                    self._watch(reads, True)
                    self._ask_at = self.now() + self.policy.ask_again_ms()
                else:
                    self._failed(machine.SOCKET_FAILED, error)
                return
            self._out[:size] = b""
            self._accepted += size
            self._keeper.accepted(size, self.now())
            if self._connection is not None:
                self._connection.accepted_up_to(self._accepted)
        self._ask_at = NEVER
        self._watch(reads, False)
        if self._keeper.state == machine.RETIRING:
            self._finish()
