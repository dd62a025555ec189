"""An access point as hostapd runs it: its life, the stations' entries, and the bridge between the air and the LAN.

What becomes of an entry stands in :mod:`association`'s table. How idle stations expire is in :mod:`expiry`, keys in
:mod:`keys`, frames kept for dozing stations in :mod:`buffering`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from halfopen.formats import dot11 as d
from halfopen.formats import dot11_frames as bodies
from halfopen.impairments.span import TO_DEVICE
from halfopen.twin.packets import BROADCAST, Frame
from halfopen.twin.wifi import association as a
from halfopen.twin.wifi.association import Association
from halfopen.twin.wifi.beating import Beat
from halfopen.twin.wifi.buffering import Buffering
from halfopen.twin.wifi.expiry import Expiry
from halfopen.twin.wifi.figures import HOSTAPD, ApFigures
from halfopen.twin.wifi.frames import FROM_DS, POWER, PROTECTED, PS_POLL, AirFrame, farewell
from halfopen.twin.wifi.keys import Keys
from halfopen.twin.world import SECOND

if TYPE_CHECKING:
    from halfopen.twin.wifi.air import Air, Done
    from halfopen.twin.wifi.path import Path
    from halfopen.twin.wifi.station import Station

#: Reasons and statuses that the access point gives by itself (IEEE 802.11-2020, 9.4.1.7 and 9.4.1.9).
EXPIRED, LEAVING, INACTIVE, CLASS_3, STEERED, HANDSHAKE, REKEY, LOW_ACK = 2, 3, 4, 7, 8, 15, 16, 34
ACCEPTED, REFUSED, FULL = 0, 1, 17
#: A farewell waits so long for a station that dozes: after it the entry may be gone, and what was kept with it.
_FAREWELL_NS = 1 * SECOND
#: Steering gives a station so long before it looks at its strength.
_STEER_AFTER_NS = 30 * SECOND
#: More of the air than this others never take.
_BUSY_MOST = 0.95
#: From power to the first beacon.
_FIRST_BEACON_NS = 50_000_000


class AccessPoint:
    """One access point on one channel. ``power_on()`` starts it; everything after happens in the world's time."""

    def __init__(
        self,
        air: Air,
        name: str,
        *,
        bssid: str,
        ssid: str = "lab-iot",
        channel: int = 6,
        security: str = "wpa2",
        password: str = "let-me-in-42",  # noqa: S107 - a lab's
        beacon_tu: int = 100,
        dtim: int = 1,
        inactivity_s: int = 300,
        skip_poll: bool = False,
        capacity: int = 2007,
        class3: str = "deauth",
        busy: float = 0.0,
        rekey_s: int = 0,
        forgets_flows: bool = False,
        kicks_below_dbm: float = 0.0,
        figures: ApFigures = HOSTAPD,
    ) -> None:
        self.air = air
        self.world = air.world
        self.name = name
        self.bssid = bssid
        self.ssid = ssid
        self.channel = channel
        self.security = security
        self.password = password
        #: What stations were told when they were configured.
        self.first_password = password
        self.beacon_tu = beacon_tu
        self.dtim = dtim
        self.inactivity_ns = inactivity_s * SECOND
        self.skip_poll = skip_poll
        self.capacity = capacity
        self.class3 = class3
        #: The share of the air that others take.
        self.busy = busy
        self._crowding = busy
        self.forgets_flows = forgets_flows
        #: Steering: whoever is heard weaker than this (0: nobody) is put out, so that it finds something better.
        self.kicks_below_dbm = kicks_below_dbm
        self.figures = figures
        #: New stations are refused as if the table were full; those that an access list refuses.
        self.full = False
        self.barred: set[str] = set()
        #: Powered and running, and (else it is deaf and dumb) with a radio that works.
        self.running = False
        self.silent = False
        self.table: dict[str, Association] = {}
        self.beat = Beat(0, beacon_tu, dtim)
        self.airtime_ns = 0
        self._aids: set[int] = set()
        self.expiry = Expiry(self)
        self.keys = Keys(self, rekey_s * SECOND)
        self.buffering = Buffering(self)
        self._effects = self._all_effects()
        self._answering: dict[tuple[str, int], int] = {}
        air.aps.append(self)

    @property
    def on_air(self) -> bool:
        """Whether it sends and hears."""
        return self.running and not self.silent

    @property
    def airtime_us(self) -> float:
        """How long the channel was taken by frames of this cell, in microseconds."""
        return self.airtime_ns / 1000

    # Life ---------------------------------------------------------------------------------------------------

    def power_on(self, tsf_us: int | None = None, dtim_count: int = 0) -> None:
        """Boot: a broadcast deauthentication 2, an empty table, a clock that begins anew.

        A clock that does not (``tsf_us``, in microseconds: hwsim's is the computer's) puts the beacons on multiples of their
        interval of it; ``dtim_count`` is the first beacon's.
        """
        if self.running:
            return
        self.running = True
        now = self.world.now
        self.beat = Beat(now + _FIRST_BEACON_NS, self.beacon_tu, self.dtim)
        if tsf_us is not None:
            self.beat.follow(now, tsf_us, dtim_count)
        self._note("ap-started", bssid=self.bssid, channel=self.channel)
        if not self.silent:
            self._bid_all(EXPIRED)
            self._born()
        self.keys.start()
        self.air.changed()

    def restart(self, down_ns: int) -> None:
        """Stop gracefully, with a broadcast deauthentication 3, and boot ``down_ns`` later."""
        self.stop()
        self.world.after(down_ns, self.power_on)

    def stop(self, *, graceful: bool = True) -> None:
        """Stop: with a broadcast deauthentication 3, or (a power cut) without a frame."""
        if not self.running:
            return
        self.air.settle()
        if graceful and not self.silent:
            self._bid_all(LEAVING)
        self._note("ap-stopped", graceful=graceful)
        self.running = False
        self._died()
        for entry in list(self.table.values()):
            self.happen(entry, a.VANISHES, why="restart" if graceful else "power-cut")
        self.keys.stop()
        self.air.changed()

    def cut(self) -> None:
        """Lose power."""
        self.stop(graceful=False)

    def silence(self, silent: bool) -> None:
        """Let the radio fall silent and deaf while everything else goes on, or let it work again."""
        if silent == self.silent:
            return
        self.air.settle()
        self.silent = silent
        if self.running:
            if silent:
                self._died()
            else:
                self._born()
        self.air.changed()

    def crowd(self, busy: float) -> None:
        """Let others take so much more of the air (or, negative, less) from now on."""
        self.air.settle()
        self._crowding += busy
        self.busy = min(max(self._crowding, 0.0), _BUSY_MOST)
        self.air.changed()

    def _born(self) -> None:
        if self.air.log is not None:
            self.air.log.born(self)

    def _died(self) -> None:
        if self.air.log is not None:
            self.air.log.died(self)

    def _bid_all(self, reason: int) -> None:
        frame = farewell(d.DEAUTH, BROADCAST, self.bssid, self.bssid, reason)
        self._note("farewell-sent", mac=BROADCAST, frame="deauth", reason=reason, acked=False)
        end = self.air.group(self, frame, self.world.now)
        for station in self.air.stations:
            if station.ap is self and station.listens(self) and not station.misses(self, self.world.now):
                self.world.at(end, station.receive, frame, station.path_to(self))

    def described(self) -> bodies.Described:
        """What its beacons say of it."""
        return bodies.Described(self.ssid, self.channel, self.beacon_tu, self.security != "open")

    # What closed forms want ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Bring every entry up to now."""
        for entry in self.table.values():
            self.expiry.settle(entry)

    def settle_one(self, mac: str) -> None:
        """Bring one entry up to now."""
        entry = self.table.get(mac)
        if entry is not None:
            self.expiry.settle(entry)

    def look(self) -> None:
        """See for each entry whether its expiry has to be played from now on."""
        for entry in self.table.values():
            self.expiry.look(entry)

    def look_at(self, mac: str) -> None:
        """The same for one entry."""
        entry = self.table.get(mac)
        if entry is not None:
            self.expiry.look(entry)

    # The table ----------------------------------------------------------------------------------------------

    def happen(self, entry: Association, event: str, *, why: str = "") -> None:
        """Something happens to an entry: what its table says is done."""
        row = a.TRANSITIONS.get((entry.state, event))
        if row is None:
            return
        entry.state, effects = row
        for effect in effects:
            self._effects[effect](entry, why or event)

    def _all_effects(self) -> dict[str, Callable[[Association, str], object]]:
        return {
            a.REMEMBER: self._remember,
            a.ADMIT: self._admit,
            a.START_KEYS: lambda entry, _: self.keys.begin(entry),
            a.OPEN_PORT: self._open_port,
            a.CLOSE_PORT: self._close_port,
            a.FORGET: self._forget,
            a.WATCH: lambda entry, _: self.expiry.watch(entry),
            a.POLL: lambda entry, _: self.expiry.poll(entry),
            a.WAIT_FOR_POLL: lambda entry, _: self.expiry.wait_for_poll(entry),
            a.WAIT_TO_DEAUTH: lambda entry, _: self.expiry.wait_to_deauth(entry),
            a.LINGER: lambda entry, _: self.expiry.linger(entry),
            a.DISASSOC_INACTIVE: lambda entry, _: self.bid(entry.path, d.DISASSOC, INACTIVE),
            a.DISASSOC_LOW_ACK: lambda entry, _: self.bid(entry.path, d.DISASSOC, LOW_ACK),
            a.DEAUTH_EXPIRED: lambda entry, _: self.bid(entry.path, d.DEAUTH, EXPIRED),
            a.DEAUTH_HANDSHAKE: lambda entry, _: self.bid(entry.path, d.DEAUTH, HANDSHAKE),
            a.DEAUTH_REKEY: lambda entry, _: self.bid(entry.path, d.DEAUTH, REKEY),
        }

    def _remember(self, entry: Association, _: str) -> None:
        self.table[entry.mac] = entry
        self.expiry.stop(entry)

    def _admit(self, entry: Association, _: str) -> None:
        if not entry.aid:
            entry.aid = next(number for number in range(1, 2008) if number not in self._aids)
            self._aids.add(entry.aid)
        entry.heard_at = self.world.now
        entry.lost_frames = 0
        self._note("station-associated", mac=entry.mac, aid=entry.aid)

    def _open_port(self, entry: Association, _: str) -> None:
        entry.path.station.served_by(self)

    def _close_port(self, entry: Association, _: str) -> None:
        self.expiry.stop(entry)
        self.keys.stop_one(entry)
        self.buffering.drop(entry)
        station = entry.path.station
        if station.server is self:
            station.served_by(None)
            if self.forgets_flows:
                station.forget_flows()

    def _forget(self, entry: Association, why: str) -> None:
        self._close_port(entry, why)
        self.table.pop(entry.mac, None)
        self._aids.discard(entry.aid)
        self._note("station-forgotten", mac=entry.mac, why=why)

    def bid(self, path: Path, kind: int, reason: int) -> None:
        """Send a farewell, whether anybody hears it or not."""
        station = path.station
        frame = farewell(kind, station.mac, self.bssid, self.bssid, reason)
        name = "deauth" if kind == d.DEAUTH else "disassoc"

        def sent(acked: bool) -> None:
            self._note("farewell-sent", mac=station.mac, frame=name, reason=reason, acked=acked)

        wakes = station.wakes_at(self, self.world.now) if station.dozes() else None
        if wakes is None or wakes - self.world.now > _FAREWELL_NS:
            self.send(path, frame, sent)
        else:
            self.world.at(wakes, self._bid_awake, path, frame, sent)

    def _bid_awake(self, path: Path, frame: AirFrame, sent: Done) -> None:
        """The station woke for a beacon, which told that a frame waits."""
        if self.on_air and path.station.hears_beacon(self, self.world.now):
            path.station.stay_awake()
        self.send(path, frame, sent)

    def kick(self, mac: str, reason: int, frame: str = "deauth", *, sent: bool = True) -> bool:
        """Part with a station by command, with a frame or (``sent`` false) without; whether it is known."""
        entry = self.table.get(mac)
        if entry is None or not self.running:
            return False
        self.air.settle_one(entry.path.station)
        if sent:
            self.bid(entry.path, d.DEAUTH if frame == "deauth" else d.DISASSOC, reason)
        self.happen(
            entry, a.KICKED if frame == "deauth" else a.KICKED_SOFTLY, why="kicked" if sent else "forgets"
        )
        self.air.changed_one(entry.path.station)
        return True

    # Receiving ----------------------------------------------------------------------------------------------

    def receive(self, frame: AirFrame, path: Path) -> None:
        """A station's frame was heard (and acknowledged, if its acknowledgement got through)."""
        if not self.on_air:
            return
        kind, mac = frame.kind, frame.sender
        if kind == d.AUTH:
            self.world.after(self.figures.think_ns, self._answer_auth, path)
        elif kind in (d.ASSOC_REQUEST, d.REASSOC_REQUEST):
            self.world.after(self.figures.think_ns, self._answer_assoc, path, kind)
        else:
            entry = self.table.get(mac)
            if entry is None or entry.state not in a.MEMBERS:
                self._take_strange(frame, path, entry)
            elif kind == d.DEAUTH:
                self.happen(entry, a.LEAVES, why="left")
            elif kind == d.DISASSOC:
                self.happen(entry, a.DISASSOCIATES, why="left")
            else:
                self._take(entry, frame, path)

    def _take(self, entry: Association, frame: AirFrame, path: Path) -> None:
        self.expiry.settle(entry)
        entry.heard_at = self.world.now
        if not frame.flags & POWER and entry.waiting:
            if frame.kind == PS_POLL:
                self.buffering.release_one(entry)
            else:
                self.buffering.release(entry)
        if frame.payload is not None:
            if self.kicks_below_dbm and entry.state == a.AUTHORIZED:
                self._steer(entry, path)
            if entry.state != a.HANDSHAKING:
                if frame.payload.destination == BROADCAST:
                    self.buffering.repeat(frame.payload, self._flags())
                path.station.link.onward(frame.payload)
        elif frame.kind in (d.DATA, d.QOS_DATA) and frame.body:
            self.keys.take(entry, frame.body)

    def _steer(self, entry: Association, path: Path) -> None:
        """Put out a member that has had time to find something better and is still too weak."""
        now = self.world.now
        if (
            now - path.station.joined_at >= _STEER_AFTER_NS
            and path.signal.at(now) < self.kicks_below_dbm
            and not entry.steered
        ):
            entry.steered = True
            self.world.after(self.figures.think_ns, self.kick, entry.mac, STEERED)

    def _take_strange(self, frame: AirFrame, path: Path, entry: Association | None) -> None:
        """A frame of a station that is no member: class 3 is answered (7), or silently dropped."""
        if frame.kind in (d.DEAUTH, d.DISASSOC):
            if entry is not None:
                self.happen(entry, a.LEAVES, why="left")
            return
        if self.class3 == "silent":
            return
        key = (frame.sender, self.world.now)
        if key in self._answering:
            return
        self._answering = {key: 1}
        kind = d.DEAUTH if entry is None else d.DISASSOC
        self.world.after(self.figures.class3_after_ns, self._reject, path, kind)

    def _reject(self, path: Path, kind: int) -> None:
        if self.on_air and path.station.ap is self:
            self.bid(path, kind, CLASS_3)

    def _answer_auth(self, path: Path) -> None:
        if not self.on_air:
            return
        station = path.station
        status = ACCEPTED
        if station.mac in self.barred:
            status = REFUSED
        elif self.full or (len(self.table) >= self.capacity and station.mac not in self.table):
            status = FULL
        if status == ACCEPTED:
            entry = self.table.get(station.mac) or Association(station.mac, path)
            entry.path = path
            self.happen(entry, a.AUTHENTICATES)
        else:
            self._note("station-refused", mac=station.mac, status=status)
        body = bodies.authentication(0, 2, status)
        self.send(path, AirFrame(d.AUTH, station.mac, self.bssid, self.bssid, body))

    def _answer_assoc(self, path: Path, kind: int) -> None:
        entry = self.table.get(path.station.mac)
        if not self.on_air or entry is None:
            return
        if entry.state == a.PARTING:
            return
        secure = self.security != "open"
        event = a.ASSOCIATES if secure else a.ASSOCIATES_OPEN
        if not entry.aid:
            entry.aid = next(number for number in range(1, 2008) if number not in self._aids)
            self._aids.add(entry.aid)
        body = bodies.association_response(ACCEPTED, entry.aid, secure=secure)
        answer = d.ASSOC_RESPONSE if kind == d.ASSOC_REQUEST else d.REASSOC_RESPONSE

        def answered(acked: bool) -> None:
            if acked:
                self.happen(entry, event)

        self.send(path, AirFrame(answer, path.station.mac, self.bssid, self.bssid, body), answered)

    # Sending ------------------------------------------------------------------------------------------------

    def send(self, path: Path, frame: AirFrame, done: Done | None = None) -> None:
        """Send a frame to a station now, whether it is awake or not."""
        station = path.station
        if self.on_air:
            self.air.unicast(path, frame, TO_DEVICE, station.receive, done, station.listens(self))
        elif done is not None:
            done(False)

    def bring(self, station: Station, frame: Frame) -> None:
        """The LAN has a frame for a station that is served here: it is sent, or kept while the station dozes."""
        entry = self.table.get(station.mac)
        if entry is None or entry.state not in (a.AUTHORIZED, a.POLLED) or not self.on_air:
            return
        if frame.destination == BROADCAST:
            self.buffering.group(station, frame, self._flags())
            return
        sent = AirFrame(
            d.QOS_DATA if station.figures.qos else d.DATA,
            station.mac,
            self.bssid,
            frame.source,
            flags=self._flags(),
            payload=frame,
            why=frame.packet.why,
        )
        self.send_or_keep(entry, sent)

    def _flags(self) -> int:
        """Of data frames from the LAN."""
        return FROM_DS | (0 if self.security == "open" else PROTECTED)

    def send_or_keep(self, entry: Association, frame: AirFrame, done: Done | None = None) -> None:
        """Send a frame to a member that is awake, keep it for one that dozes."""
        if entry.dozing:
            self.buffering.keep(entry, frame, done)
        else:
            self.send(entry.path, frame, done or (lambda acked: self.acknowledged(entry, acked)))

    def acknowledged(self, entry: Association, acked: bool) -> None:
        """A member acknowledged a frame, or did not; too many in a row and it has to go (34)."""
        if acked:
            self.expiry.settle(entry)
            entry.heard_at = self.world.now
            entry.lost_frames = 0
            return
        entry.lost_frames += 1
        if self.figures.low_ack and entry.lost_frames >= self.figures.low_ack:
            self.happen(entry, a.LOW_ACK, why="excess-retries")

    def _note(self, what: str, **facts: object) -> None:
        self.air.truth.note(self.name, what, **facts)

    note = _note
