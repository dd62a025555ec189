"""A station's driver: it joins, answers, dozes, notices that its access point is gone, roams, and tells what it prints.

The table of :mod:`joining` says what happens; :mod:`watching` hears the beacons. While nothing can go wrong nothing is
played: when it dozes and what its driver sends to stay known are functions of time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from halfopen.formats import dot11 as d
from halfopen.formats import dot11_frames as bodies
from halfopen.formats.eapol import message_number
from halfopen.impairments.flows_lost import FlowsLost
from halfopen.impairments.span import TO_PEER
from halfopen.twin.packets import Frame
from halfopen.twin.wifi import joining as j
from halfopen.twin.wifi.dozing import LIGHT_WAKE_NS, POWER_SAVES, Configured, DozingRadio
from halfopen.twin.wifi.frames import MORE, PROTECTED, TO_DS, AirFrame, farewell
from halfopen.twin.wifi.path import Path
from halfopen.twin.wifi.scanning import Scanning

if TYPE_CHECKING:
    from halfopen.twin.network import Link
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.air import Air, Done
    from halfopen.twin.world import Timer

#: What the driver calls a refusal (ASSUMPTIONS): status → reason.
_REFUSALS = {17: 5}
_BEACON_TIMEOUT, _AUTH_FAIL, _ASSOC_FAIL, _HANDSHAKE_TIMEOUT = 200, 202, 203, 204
#: First bytes of the frames that the driver's state lines end with.
FRAME_CODES = {d.DEAUTH: 0xC0, d.DISASSOC: 0xA0, d.AUTH: 0xB0, d.ASSOC_RESPONSE: 0x10}


class Station(DozingRadio):
    """One station on the end of ``link``.

    ``on_joined(ap)`` is called when it may send, ``on_left(reason)`` when it no longer may or a join failed; ``on_told(what,
    facts)`` for everything that a driver prints.
    """

    def __init__(self, air: Air, link: Link, name: str, *, mac: str, **options: Any) -> None:
        """``options`` are the fields of :class:`halfopen.twin.wifi.dozing.Configured`."""
        super().__init__(air, link, name, mac, Configured(**options))
        self.on_joined: Callable[[AccessPoint], object] | None = None
        self.on_left: Callable[[int], object] | None = None
        self.on_told: Callable[[str, dict[str, Any]], object] | None = None
        #: Connect again by itself after a loss or a failed join.
        self.persistent = True
        self._farewell = (self.figures.leave_frame, self.figures.leave_reason)
        self._came_from = ""
        self._wanted = False
        self._failures = 0
        self._reason = 0
        self._code = 0
        self._tries = 0
        self._again: Timer | None = None
        self._flows: FlowsLost | None = None
        self.scanning = Scanning(self)
        link.radio = self
        air.stations.append(self)
        self._effects: dict[str, Callable[[], object]] = {
            j.SCAN: self.scanning.start,
            j.SEND_AUTH: self._send_auth,
            j.SEND_ASSOC: self._send_assoc,
            j.AWAIT_KEYS: self._await_keys,
            j.JOINED: self._joined,
            j.FAIL: self._failed,
            j.LOSE: self._lost,
            j.SAY_FAREWELL: self._say_farewell,
            j.TRY_AGAIN: self._try_again,
            j.STOP: self._stop,
        }

    # What a firmware asks of it -----------------------------------------------------------------------------

    def power_on(self) -> None:
        """The radio has power."""
        self.happen(j.POWERED)

    def power_off(self) -> None:
        """It has none any more, and nobody is told."""
        self.air.settle_one(self)
        self._wanted = False
        self.happen(j.CUT)
        self.air.changed_one(self)

    def connect(self) -> None:
        """Join, and stay joined; nothing to do while it is at it."""
        if self.state == j.OFF:
            self.power_on()
        self._wanted = True
        if self.state == j.INIT:
            self._cancel_again()
            self.happen(j.CONNECT)

    def leave(self, reason: int = 0, frame: str = "") -> None:
        """Leave by itself, and stay away; ``frame`` (deauth or disassoc) and ``reason`` are its driver's own else."""
        self._farewell = (frame or self.figures.leave_frame, reason or self.figures.leave_reason)
        self._wanted = False
        self._cancel_again()
        self._failures = 0
        self.air.settle_one(self)
        self.happen(j.LEAVE, 8)
        self.air.changed_one(self)

    def lose_link(self) -> None:
        """The driver says at once that the link is gone (200)."""
        self.happen(j.BEACONS_LOST, _BEACON_TIMEOUT)

    def set_power_save(self, power_save: str) -> None:
        """``none``, ``min`` or ``max`` from now on."""
        self.air.settle_one(self)
        self.power_save = power_save
        self._dozed_at = self._awake_until  # nothing was dozed off before
        self._touch()
        self.air.changed_one(self)

    def roam(self, ap: AccessPoint) -> None:
        """Join another access point of the same network without a word to the old one."""
        old = self.ap
        if self.state != j.RUN or old is None or ap is old:
            return
        self.air.settle_one(self)
        self.note("roamed", source=old.name, to=ap.name)
        self.tell("roaming", bssid=ap.bssid, channel=ap.channel)
        self.ap = ap
        self._came_from = old.bssid
        self.happen(j.ROAM)
        self.air.changed_one(self)

    # The table ----------------------------------------------------------------------------------------------

    def happen(self, event: str, reason: int = 0, code: int = -1) -> None:
        """Something happened: what the table says is done. ``code`` is the state line's, the reason's else."""
        row = j.TRANSITIONS.get((self.state, event))
        if row is None:
            return
        before, (self.state, effects) = self.state, row
        self._reason = reason
        self._code = reason << 8 if code < 0 else code
        old, new = j.SAID.get(before, before), j.SAID.get(self.state, self.state)
        if old != new and j.OFF not in (old, new):
            self.tell("state", old=old, new=new, code=self._code)
        for effect in effects:
            self._effects[effect]()

    def tell(self, what: str, **facts: Any) -> None:
        """The driver says something."""
        if self.on_told is not None:
            self.on_told(what, facts)

    def _stop(self) -> None:
        if self.state != j.AUTH:
            self._came_from = ""
        for timer in (self._timer, self._keepalive):
            if timer is not None:
                timer.cancel()
        self._timer = self._keepalive = None
        self.watch.stop()
        if self.state in (j.INIT, j.OFF):
            self._cancel_again()

    def _cancel_again(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _arm(self, span: int, event: str, reason: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.world.after(span, self.happen, event, reason)

    def _try_again(self) -> None:
        if not self._wanted or not self.persistent:
            return
        pauses = self.figures.reconnect_ns
        pause = pauses[min(self._failures, len(pauses) - 1)]
        self._failures += 1
        self._again = self.world.after(pause, self._reconnect)

    def _reconnect(self) -> None:
        self._again = None
        if self._wanted and self.state == j.INIT:
            self.happen(j.CONNECT)

    def _failed(self) -> None:
        self.note("join-failed", reason=self._reason)
        self._over()

    def _lost(self) -> None:
        self.note("disassociated", reason=self._reason)
        self._over()

    def _over(self) -> None:
        ap = self.ap
        self.tell("disconnected", reason=self._reason, bssid=ap.bssid if ap is not None else "")
        if self.on_left is not None:
            self.on_left(self._reason)

    def _joined(self) -> None:
        ap = self.ap
        if ap is None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._failures = 0
        self.joined_at = self.world.now
        self._sent_at = self.world.now
        self._touch()
        entry = ap.table.get(self.mac)
        rssi = round(self.path_to(ap).signal.at(self.world.now))
        aid = entry.aid if entry is not None else 1
        self.note("associated", bssid=ap.bssid, aid=aid, rssi=rssi)
        self.tell("connected", ap=ap, aid=aid, rssi=rssi)
        self.watch.begin()
        self.look()
        if self.on_joined is not None:
            self.on_joined(ap)

    # Joining ------------------------------------------------------------------------------------------------

    def password_for(self, ap: AccessPoint) -> str:
        """The password it uses: its own, or the one that the access point had when it was configured."""
        return self.password or ap.first_password

    def _send_auth(self) -> None:
        self._tries = 0
        self._timer = None
        ap = self.ap
        if ap is None:
            return
        self.note("joining", bssid=ap.bssid)
        self._arm(self.figures.auth_timeout_ns, j.TIMED_OUT, 2)
        self._try_auth(ap)

    def _try_auth(self, ap: AccessPoint) -> None:
        self._tries += 1
        frame = AirFrame(d.AUTH, ap.bssid, self.mac, ap.bssid, bodies.authentication(0, 1, 0))
        self.send_up(frame, lambda acked: self._auth_tried(ap, acked))

    def _auth_tried(self, ap: AccessPoint, acked: bool) -> None:
        if not acked and self.state == j.AUTH and self.ap is ap and self._tries < self.figures.join_tries:
            self._try_auth(ap)

    def _send_assoc(self) -> None:
        ap = self.ap
        if ap is None:
            return
        self._arm(self.figures.assoc_timeout_ns, j.TIMED_OUT, 4)
        interval = self.listen_interval if self.power_save == "max" else 1
        old, self._came_from = self._came_from, ""
        body = bodies.association_request(ap.ssid, interval, secure=ap.security != "open", former=old)
        kind = d.REASSOC_REQUEST if old else d.ASSOC_REQUEST
        frame = AirFrame(kind, ap.bssid, self.mac, ap.bssid, body)
        self.world.after(self.figures.think_ns, self._send_if, j.ASSOC, frame)

    def _send_if(self, state: str, frame: AirFrame) -> None:
        if self.state == state and self.ap is not None and frame.third == self.ap.bssid:
            self.send_up(frame)

    def _await_keys(self) -> None:
        self._arm(self.figures.handshake_timeout_ns, j.TIMED_OUT, _HANDSHAKE_TIMEOUT)

    def _answer_key(self, eapol: bytes) -> None:
        number = message_number(eapol)
        answer = {1: 2, 3: 4, 5: 6}.get(number or 0)
        if answer is None or self.ap is None:
            return
        if self.state == j.HANDSHAKE or (self.state == j.RUN and answer != 2):
            self.world.after(self.figures.think_ns, self._send_key, self.ap, answer, number == 3)

    def _send_key(self, ap: AccessPoint, answer: int, keyed: bool) -> None:
        if self.ap is not ap or self.state not in (j.HANDSHAKE, j.RUN):
            return
        entry = ap.table.get(self.mac)
        frame = AirFrame(
            d.QOS_DATA if self.figures.qos else d.DATA,
            ap.bssid,
            self.mac,
            ap.bssid,
            bodies.key_frame(answer, entry.key_tries if entry is not None else 1, self._seed & (2**64 - 1)),
            flags=TO_DS | (PROTECTED if answer == 6 else 0),
            why=f"key-message-{answer}" if answer <= 4 else "group-rekey",
        )
        self.send_up(frame)
        if keyed:
            self.happen(j.KEYED)

    def _say_farewell(self) -> None:
        ap = self.ap
        if ap is None:
            return
        frame, reason = self._farewell
        kind = d.DEAUTH if frame == "deauth" else d.DISASSOC
        self.send_up(farewell(kind, ap.bssid, self.mac, ap.bssid, reason))

    # Receiving ----------------------------------------------------------------------------------------------

    def receive(self, frame: AirFrame, path: Path) -> None:
        """A frame from an access point was heard."""
        ap = path.ap
        if ap is not self.ap or self.state not in j.TUNED:
            return
        kind = frame.kind
        if kind in (d.DEAUTH, d.DISASSOC):
            self._bid(frame)
        elif kind == d.AUTH:
            status = int.from_bytes(frame.body[4:6], "little")
            if status:
                self.happen(j.REFUSED, _REFUSALS.get(status, _AUTH_FAIL), status << 8 | FRAME_CODES[d.AUTH])
            else:
                self.happen(j.ACCEPTED, 0, 0)
        elif kind in (d.ASSOC_RESPONSE, d.REASSOC_RESPONSE):
            status = int.from_bytes(frame.body[2:4], "little")
            if status:
                self.happen(j.NOT_ADMITTED, _REFUSALS.get(status, _ASSOC_FAIL), status << 8 | 0x10)
            else:
                self.happen(j.ADMITTED_OPEN if ap.security == "open" else j.ADMITTED, 0, 0x10)
        elif frame.payload is not None:
            self._touch()
            self.take_payload(frame.payload)
            if frame.flags & MORE and self.figures.fetches_by == "ps-poll":
                self.fetch(ap)
        elif frame.body and kind in (d.DATA, d.QOS_DATA):
            self._touch()
            self._answer_key(frame.body)

    def _bid(self, frame: AirFrame) -> None:
        reason = int.from_bytes(frame.body[:2], "little")
        running = self.state == j.RUN
        if running:
            self.air.settle_one(self)
        self.happen(j.BID, reason, reason << 8 | FRAME_CODES[frame.kind])
        if running:
            self.air.changed_one(self)

    def take_payload(self, frame: Frame) -> None:
        """What the LAN sent reaches the stack."""
        if self.state != j.RUN:
            return
        if self.light_sleep:
            self.world.after(LIGHT_WAKE_NS, self.link.hand_over, frame)
        else:
            self.link.hand_over(frame)

    # Sending ------------------------------------------------------------------------------------------------

    def send_up(self, frame: AirFrame, done: Done | None = None) -> None:
        """Send a frame to the access point, which has to be there to hear it."""
        ap = self.ap
        if ap is None:
            return
        self._touch()
        self._sent_at = self.world.now
        self.air.unicast(self.path_to(ap), frame, TO_PEER, ap.receive, done, ap.on_air)

    def send(self, frame: Frame) -> None:
        """The stack sends a frame: it goes to the access point, which bridges it."""
        ap = self.ap
        if self.state != j.RUN or ap is None:
            return
        secret = 0 if ap.security == "open" else PROTECTED
        kind = d.QOS_DATA if self.figures.qos else d.DATA
        sent = AirFrame(
            kind,
            ap.bssid,
            self.mac,
            frame.destination,
            flags=TO_DS | secret,
            payload=frame,
            why=frame.packet.why,
        )
        self.send_up(sent)

    def bring(self, frame: Frame) -> None:
        """The LAN has a frame for it: whoever serves it takes it, else nobody does."""
        if self.server is not None:
            self.server.bring(self, frame)

    def served_by(self, ap: AccessPoint | None) -> None:
        """``ap`` bridges to it from now on."""
        self.server = ap
        if ap is None and self.state == j.RUN:
            self.world.after(0, self.look)

    def forget_flows(self) -> None:
        """The router in its access point drops what it knew of its connections."""
        self.rouse()
        conditions = self.link.conditions
        if self._flows is not None:
            conditions.end(self._flows)
        self._flows = FlowsLost()
        conditions.begin(self._flows)


__all__ = ["POWER_SAVES", "Station"]
