"""The part of a station's driver that sleeps: when it is awake, what it hears then, and what passes without being played.

While nothing can go wrong, dozing off, waking up and what the driver sends to stay known are functions of time. ``settle``
counts what passed, ``look`` decides what has to be played from now on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from halfopen.impairments.span import TO_DEVICE, TO_PEER
from halfopen.twin.wifi import association as a
from halfopen.twin.wifi import joining as j
from halfopen.twin.wifi.figures import ESP32, StationFigures
from halfopen.twin.wifi.frames import PS_POLL, AirFrame, null
from halfopen.twin.wifi.path import SURE, Path
from halfopen.twin.wifi.signal import Signal, share
from halfopen.twin.wifi.watching import BeaconWatch
from halfopen.twin.world import MS

if TYPE_CHECKING:
    from halfopen.twin.network import Link
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.air import Air, Done
    from halfopen.twin.wifi.station import Station
    from halfopen.twin.world import Timer

POWER_SAVES = ("none", "min", "max")
#: The driver's reason when the access point's clock began anew.
CLOCK_RESET_REASON = 206
#: A station's own name for an access point it was given no strength for.
_OUT_OF_REACH_DBM = -120.0
#: So many beacons ahead are looked at for one that is heard.
_BEACONS_AHEAD = 64
#: What a keepalive probe of TCP takes on the air, its acknowledgement included.
_PROBE_NS = int(0.25 * MS)

#: ASSUMPTIONS: what waking from light sleep adds.
LIGHT_WAKE_NS = 1 * MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What a firmware sets, and where the station stands. ``rssi_dbm`` is one strength, or one for each access point by
    name; without ``password`` it is the access point's first; ``keepalive_ns`` is the driver's own when ``None``."""

    ssid: str = "lab-iot"
    password: str = ""
    power_save: str = "min"
    listen_interval: int = 3
    rssi_dbm: float | Mapping[str, float] = -55.0
    shadowing_db: float = 0.0
    multipath_db: float = 0.0
    wake_miss: float = 0.0
    keepalive_ns: int | None = None
    light_sleep: bool = False
    figures: StationFigures = ESP32


class DozingRadio:
    """A radio that sleeps between beacons. :class:`halfopen.twin.wifi.station.Station` is the driver around it."""

    def __init__(self, air: Air, link: Link, name: str, mac: str, configured: Configured) -> None:
        self.air = air
        self.world = air.world
        self.link = link
        self.name = name
        self.mac = mac
        self.ssid = configured.ssid
        self.password = configured.password
        self.power_save = configured.power_save
        self.listen_interval = configured.listen_interval
        self.wake_miss = self._wake_miss = configured.wake_miss
        #: Automatic light sleep: the whole chip sleeps between beacons, and what comes waits for it to wake.
        self.light_sleep = configured.light_sleep
        self.figures = figures = configured.figures
        keepalive = configured.keepalive_ns
        self.keepalive_ns = figures.keepalive_ns if keepalive is None else keepalive
        self.state = j.OFF
        #: The access point that it is with or joins, and the one that bridges frames to it.
        self.ap: AccessPoint | None = None
        self.server: AccessPoint | None = None
        self.airtime_ns = 0
        self.joined_at = 0
        self._strength = (configured.rssi_dbm, configured.shadowing_db, configured.multipath_db)
        self._paths: dict[str, Path] = {}
        self._seed = air.seed_for(f"{name} radio")
        #: What its scans draw from.
        self.scan_seed = self._seed ^ 0x5CA9
        self._timer: Timer | None = None
        self._keepalive: Timer | None = None
        self._awake_until = 0
        self._sent_at = 0
        self._dozed_at = -1
        self.watch = BeaconWatch(self)

    # What the driver around it does -------------------------------------------------------------------------

    def happen(self, event: str, reason: int = 0, code: int = -1) -> None:
        """Something happened to the driver."""
        raise NotImplementedError

    def send_up(self, frame: AirFrame, done: Done | None = None) -> None:
        """Send a frame to the access point."""
        raise NotImplementedError

    def tell(self, what: str, **facts: Any) -> None:
        """The driver says something."""
        raise NotImplementedError

    def note(self, what: str, **facts: object) -> None:
        """One fact more in the truth."""
        self.air.truth.note(self.name, what, **facts)

    @property
    def airtime_us(self) -> float:
        """How long the channel was taken by frames from and to this station, in microseconds."""
        return self.airtime_ns / 1000

    # Dozing -------------------------------------------------------------------------------------------------

    def dozes(self) -> bool:
        """Whether it sleeps between beacons just now."""
        return (
            self.power_save != "none"
            and self.state == j.RUN
            and self.world.now > self._awake_until
            and not self.watch.asking
        )

    def wakes_every(self, ap: AccessPoint) -> int:
        """It wakes for every so many-th beacon."""
        if self.power_save == "max":
            return max(self.listen_interval, 1)
        return ap.beat.dtim if self.power_save == "min" and not self.figures.hears_all else 1

    def wake_miss_now(self) -> float:
        """The probability that it wakes too late for a beacon."""
        return 0.0 if self.power_save == "none" else self.wake_miss

    def listens(self, ap: AccessPoint) -> bool:
        """Whether its receiver is on, and on that channel."""
        return (
            self.state in j.TUNED
            and self.ap is not None
            and self.ap.channel == ap.channel
            and not self.dozes()
        )

    def hears_beacon(self, ap: AccessPoint, when: int) -> bool:
        """Whether it hears the beacon that went at ``when`` (ns) or was the last before it."""
        return self.ap is ap and self.state == j.RUN and not self.watch.misses(ap, ap.beat.number_until(when))

    def wakes_at(self, ap: AccessPoint, now: int) -> int | None:
        """When the first beacon goes that it will hear, or at which somebody should ask again; ``None``: it is not here."""
        if self.ap is not ap or self.state != j.RUN:
            return None
        every = self.wakes_every(ap)
        number = ap.beat.number_after(now, every)
        for _ in range(_BEACONS_AHEAD):
            if not self.watch.misses(ap, number):
                break
            number += every
        return ap.beat.time_of(number)

    def misses(self, ap: AccessPoint, now: int) -> bool:
        """Whether it misses a frame for all at ``now`` (ns)."""
        failed = self.path_to(ap).fails(TO_DEVICE, now)
        return failed > 0 and (failed >= 1 or share(self._seed, now) < failed)

    def fetch(self, ap: AccessPoint) -> None:
        """The beacon says that frames wait: ask for them."""
        if self.figures.fetches_by == "ps-poll":
            self.send_up(AirFrame(PS_POLL, ap.bssid, self.mac, ap.bssid))
        else:
            self.send_up(null(ap.bssid, self.mac, power=False, qos=self.figures.qos))

    def answers(self, ap: AccessPoint, within: int) -> bool:
        """Whether it certainly acknowledges what ``ap`` sends it, ``within`` ns if it dozes."""
        if self.state != j.RUN or self.ap is not ap or self.server is not ap:
            return False
        if self.power_save == "none":
            return True
        chances = within // (ap.beat.interval * self.wakes_every(ap))
        return chances > 0 and float(self.watch.wake_fails(ap) ** chances) < SURE

    def stay_awake(self) -> None:
        """A beacon told that a frame waits."""
        self._touch()

    def wake_late(self, probability: float) -> None:
        """Miss that share of the beacons that it wakes for from now on; negative: what it always missed."""
        self.air.settle_one(self)
        self.wake_miss = self._wake_miss if probability < 0 else probability
        self.air.changed_one(self)

    def _touch(self) -> None:
        """It sends or receives: what passed in closed form is settled, and it stays awake for a while."""
        if self.state == j.RUN and self.power_save != "none":
            self.settle()
        self._awake_until = self.world.now + self.figures.active_ns

    def settle(self) -> None:
        """Let pass what its driver sent by itself until now: the null frame with which it dozes off, and keepalives."""
        self.watch.settle()
        ap = self.ap
        if self.state != j.RUN or ap is None or self.power_save == "none" or self._keepalive is not None:
            return
        now = self.world.now
        if self._dozed_at < self._awake_until < now and not self.watch.asking:
            self._dozed_at = self._awake_until
            self._pass(ap, self._awake_until)
        if not self.keepalive_ns or self._sent_at + self.keepalive_ns >= now:
            return
        if self.air.log is None:
            # Nobody wants to see them: all but the last in one go.
            unseen = (now - 1 - self._sent_at) // self.keepalive_ns - 1
            self._sent_at += unseen * self.keepalive_ns
            frame = null(ap.bssid, self.mac, power=True, qos=self.figures.qos)
            self.air.note_unseen(self.path_to(ap), frame, unseen)
        while self._sent_at + self.keepalive_ns < now:
            self._pass(ap, self._sent_at + self.keepalive_ns)

    def _pass(self, ap: AccessPoint, when: int) -> None:
        frame = null(ap.bssid, self.mac, power=True, qos=self.figures.qos)
        entry = ap.table.get(self.mac)
        known = entry is not None and entry.state in a.MEMBERS
        acked = self.air.note_past(self.path_to(ap), frame, TO_PEER, when, ap.on_air)
        if acked and known and entry is not None:
            entry.heard_at = max(entry.heard_at, when)
        self._sent_at = max(self._sent_at, when)

    def passed(self, frames: int, last: int) -> None:
        """So many frames of a dozing connection went both ways until ``last`` (ns)."""
        self._sent_at = max(self._sent_at, last)
        self.airtime_ns += 2 * frames * _PROBE_NS
        entry = self.server.table.get(self.mac) if self.server is not None else None
        if entry is not None:
            entry.heard_at = max(entry.heard_at, last)

    def rouse(self) -> None:
        """Let dozing connections of its stack wake: something is going to change."""
        settle = getattr(self.link.node, "settle", None)
        if settle is not None:
            settle()

    def look(self) -> None:
        """Something changed: see what has to be played from now on."""
        self.watch.look()
        ap = self.ap
        if self._keepalive is not None:
            self._keepalive.cancel()
            self._keepalive = None
        if self.state != j.RUN or ap is None:
            return
        if ap.beat.born > self.joined_at and ap.on_air and self.figures.minds_clock:
            self._mind_clock(ap)
        if self.server is not ap and self.keepalive_ns and self.power_save != "none":
            # The next sign of life of the driver will tell that nobody knows us: it is played.
            due = self._sent_at + self.keepalive_ns
            self._keepalive = self.world.at(max(due, self.world.now), self._stay_known, ap)

    def _stay_known(self, ap: AccessPoint) -> None:
        self._keepalive = None
        if self.state == j.RUN and self.ap is ap:
            self.send_up(null(ap.bssid, self.mac, power=True, qos=self.figures.qos))
            self.look()

    def _mind_clock(self, ap: AccessPoint) -> None:
        """The access point's clock began anew: the first beacon that is heard tells."""
        when = self.wakes_at(ap, self.world.now)
        if when is not None and self._timer is None:
            self._timer = self.world.at(when, self._clock_heard, ap)

    def _clock_heard(self, ap: AccessPoint) -> None:
        self._timer = None
        if self.state == j.RUN and self.ap is ap and ap.on_air:
            if self.hears_beacon(ap, self.world.now):
                self.happen(j.CLOCK_RESET, CLOCK_RESET_REASON)
            else:
                self._mind_clock(ap)

    # The air to each access point ---------------------------------------------------------------------------

    def path_to(self, ap: AccessPoint) -> Path:
        """The air between it and ``ap``."""
        path = self._paths.get(ap.name)
        if path is None:
            mean, shadowing, multipath = self._strength
            dbm = mean if isinstance(mean, (int, float)) else mean.get(ap.name, _OUT_OF_REACH_DBM)
            signal = Signal(self.air.seed_for(f"{self.name} to {ap.name}"), dbm, shadowing, multipath)
            path = self._paths[ap.name] = Path(cast("Station", self), ap, signal)
        return path

    def closed_form(self) -> tuple[int, int] | None:
        """What a short frame takes up and down (ns), where each certainly gets through at once; ``None`` where not."""
        ap = self.ap
        if (
            self.state != j.RUN
            or ap is None
            or self.server is not ap
            or self.air.log is not None
            or ap.busy
            or ap.kicks_below_dbm
        ):
            return None
        path = self.path_to(ap)
        if not path.steady(min(self.figures.retries, ap.figures.retries)) or not ap.on_air:
            return None
        return _PROBE_NS, _PROBE_NS
