"""The lab's station: wpa_supplicant 2.10 above mac80211, whose habits the twin's ESP32 does not have.

It scans channel by channel, believes in a network that was missing from one scan, returns without a scan where the reason
lets it hope, waits longer with every failure, and shuts a network out whose key was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from halfopen.formats import dot11, dot11_frames
from halfopen.impairments.span import TO_DEVICE, TO_PEER
from halfopen.twin.packets import BROADCAST
from halfopen.twin.wifi import joining as j
from halfopen.twin.wifi.frames import AirFrame, null
from halfopen.twin.wifi.station import Station
from halfopen.twin.world import MS, SECOND, US

if TYPE_CHECKING:
    from halfopen.twin.network import Link
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.wifi.air import Air
    from halfopen.twin.wifi.figures import StationFigures

#: Probe request to probe request of the next channel, and from the last to what the supplicant makes of it: 49 to 78 ms.
_DWELL_NS = 64 * MS
#: … in its first scan, while the lab's machine still starts it: 49 to 233 ms in 19 joins; the middle of that.
_FIRST_RESULT_NS = 140 * MS
#: hostapd's answer to a probe, and two probes on one channel (s6_no_ap).
_ANSWER_NS, _BETWEEN_PROBES_NS = 5 * MS, 400 * US
#: Pauses before another try by how many failed (wpas_connection_failed), and what the lab's machine adds.
_PAUSES_NS = (100 * MS, 500 * MS, 1 * SECOND, 5 * SECOND, 10 * SECOND)
_MACHINE_NS = 35 * MS
#: Without a network it scans again after this (scan_interval).
_SCAN_INTERVAL_NS = 5 * SECOND
#: A network that is missing from so many scans is forgotten (bss_expiration_scan_count).
_MISSING_SCANS = 2
#: After so many failures in a row the access point is left alone (the list of ignored ones; s6_ap_full).
_FAILURES_MAX = 4
#: Shut out for so long after a wrong key, twice as long the next time (wpas_auth_failed).
_SHUT_OUT_NS = 10 * SECOND
#: Reasons after which it goes straight back (disconnect_reason_recoverable), and how soon (53 to 65 ms).
_RECOVERABLE = frozenset((4, 6, 7))
_FAST_NS = 55 * MS
# A scan beside traffic (mac80211 scan.c, s5_roam): away for two channels, home for 204 ms.
_LOOK_NS, _AWAY_NS, _HOME_NS = 25 * MS, 32 * MS, 204 * MS
_CHANNELS_AWAY = 2
#: Where nobody may ask, only listen.
_PASSIVE = (12, 13)
#: From wpa_cli's command to what follows, and from an aborted scan to the authentication (s5_roam).
_COMMAND_NS, _ABORTED_NS = 30 * MS, 100 * MS


class _Channel:
    """A channel on which nobody serves, as far as a record of the air needs one."""

    name = bssid = ""

    def __init__(self, channel: int) -> None:
        self.channel = channel


class Supplicant(Station):
    """A Linux station. ``channels`` is where it looks (scan_freq), ``asks_for`` whom: ``""`` is anybody (scan_ssid=0)."""

    def __init__(
        self,
        air: Air,
        link: Link,
        name: str,
        *,
        mac: str,
        ssid: str,
        password: str,
        rssi_dbm: Mapping[str, float],
        figures: StationFigures,
        channels: tuple[int, ...],
        asks_for: tuple[str, ...],
    ) -> None:
        super().__init__(
            air,
            link,
            name,
            mac=mac,
            ssid=ssid,
            password=password,
            power_save="none",
            rssi_dbm=rssi_dbm,
            figures=figures,
        )
        self._channels = channels
        self._asks_for = asks_for
        self._direct = False
        self._away = False
        self._missing: dict[AccessPoint, int] = {}
        self._failed_in_a_row = 0
        self._wrong_keys = 0
        self._shut_out_until = 0
        self._before = self.state
        self._scan_number = 0
        self._background: list[tuple[int, ...]] = []
        self._effects[j.SCAN] = self._look_for
        self._effects[j.TRY_AGAIN] = self._plan

    def happen(self, event: str, reason: int = 0, code: int = -1) -> None:
        """As ever, but remembers from where."""
        self._before = self.state
        super().happen(event, reason, code)

    # What the lab asks of it --------------------------------------------------------------------------------

    def connect_at_once(self) -> None:
        """Join the access point of before without a scan, as a program above nl80211 does."""
        self._direct = True
        self.connect()

    def scan_beside_traffic(self) -> None:
        """Scan all channels while joined; power save announcements keep the access point quiet meanwhile."""
        channels = tuple(range(1, _PASSIVE[-1] + 1))
        asked = channels[: -len(_PASSIVE)]
        pairs = range(0, len(asked), _CHANNELS_AWAY)
        self._background = [*(asked[at : at + _CHANNELS_AWAY] for at in pairs), _PASSIVE]
        self._announce(away=True)
        self.world.after(_LOOK_NS, self._come_home)

    def roam(self, ap: AccessPoint) -> None:
        """``wpa_cli roam``."""
        self.world.after(_COMMAND_NS, self._roam, ap)

    def _roam(self, ap: AccessPoint) -> None:
        self._background = []
        if not self._away:
            self._reassociate(ap)
            return
        self._announce(away=False)
        self._announce(away=False)
        self.world.after(_ABORTED_NS, self._reassociate, ap)

    def _reassociate(self, ap: AccessPoint) -> None:
        super().roam(ap)

    # A scan beside traffic ----------------------------------------------------------------------------------

    def _announce(self, *, away: bool) -> None:
        ap = self.ap
        self._away = away
        if ap is not None:
            self.send_up(null(ap.bssid, self.mac, power=away, qos=self.figures.qos))

    def _come_home(self) -> None:
        if self._away:
            self._announce(away=False)
            self.world.after(_HOME_NS, self._go_away)

    def _go_away(self) -> None:
        if not self._background or self.state != j.RUN:
            return
        self._announce(away=True)
        group = self._background.pop(0)
        for number, channel in enumerate(group):
            if channel not in _PASSIVE:
                self.world.after(_AWAY_NS + number * _DWELL_NS, self._probe, channel, 0)
        self.world.after(_AWAY_NS * 2 + (len(group) - 1) * _DWELL_NS, self._come_home)

    def dozes(self) -> bool:
        """Away on another channel is as good as asleep."""
        return self._away or super().dozes()

    def wakes_at(self, ap: AccessPoint, now: int) -> int | None:
        """It comes back by itself."""
        return None if self._away else super().wakes_at(ap, now)

    # A scan for a network -----------------------------------------------------------------------------------

    def _look_for(self) -> None:
        if self._direct and self.ap is not None:
            self._direct = False
            self.world.after(0, self._found, self.ap)
            return
        self._scan_number += 1
        if self.ap is not None and self._before == j.RUN:
            self._missing[self.ap] = 0
        for ap in self._missing:
            self._missing[ap] += 1
        for number, channel in enumerate(self._channels):
            self.world.after(number * _DWELL_NS, self._probe, channel, self._scan_number)
        last = _FIRST_RESULT_NS if self._scan_number == 1 else _DWELL_NS
        self.world.after((len(self._channels) - 1) * _DWELL_NS + last, self._scanned, self._scan_number)

    def _probe(self, channel: int, number: int) -> None:
        log, now = self.air.log, self.world.now
        present = [ap for ap in self.air.aps if ap.channel == channel]
        for place, name in enumerate(self._asks_for):
            frame = AirFrame(
                dot11.PROBE_REQUEST, BROADCAST, self.mac, BROADCAST, dot11_frames.probe_request(name)
            )
            if log is not None:
                there = present[0] if present else _Channel(channel)
                path = self.path_to(present[0] if present else self.air.aps[0])
                log.tried(now + place * _BETWEEN_PROBES_NS, frame, path, there, False, None)  # type: ignore[arg-type]
        for ap in present:
            if ap.on_air and self.path_to(ap).fails(TO_PEER, now) < 1:
                self.world.after(_ANSWER_NS, self._answer, ap, number)

    def _answer(self, ap: AccessPoint, number: int) -> None:
        body = dot11_frames.announcement(ap.described())
        frame = AirFrame(dot11.PROBE_RESPONSE, self.mac, ap.bssid, ap.bssid, body)
        self.air.unicast(self.path_to(ap), frame, TO_DEVICE, lambda *_: self._heard_of(ap, number))

    def _heard_of(self, ap: AccessPoint, number: int) -> None:
        if number:
            self._missing[ap] = 0

    def _scanned(self, number: int) -> None:
        if self.state != j.SCANNING or number != self._scan_number:
            return
        known = [
            ap for ap, missing in self._missing.items() if missing < _MISSING_SCANS and ap.ssid == self.ssid
        ]
        shut_out = self.world.now < self._shut_out_until or self._failed_in_a_row >= _FAILURES_MAX
        if not known or shut_out:
            self.happen(j.NOT_FOUND, 201)
        else:
            self._found(min(known, key=lambda ap: self._missing[ap]))

    def _found(self, ap: AccessPoint) -> None:
        self.ap = ap
        self.happen(j.FOUND)

    # Joining ------------------------------------------------------------------------------------------------

    def _auth_tried(self, ap: AccessPoint, acked: bool) -> None:
        if not acked and self._tries >= self.figures.join_tries and self.state == j.AUTH:
            self.happen(j.TIMED_OUT, 2)
        else:
            super()._auth_tried(ap, acked)

    def _joined(self) -> None:
        self._failed_in_a_row = 0
        super()._joined()

    # What comes after a loss or a failure -------------------------------------------------------------------

    def _plan(self) -> None:
        if not self._wanted:
            return
        if self._before == j.SCANNING:
            left = self._shut_out_until - self.world.now
            shut_out = _SHUT_OUT_NS * self._wrong_keys if left > 0 else _SCAN_INTERVAL_NS
            self._again = self.world.after(shut_out, self._reconnect)
            return
        if self._before == j.RUN and self._reason in _RECOVERABLE:
            self._direct = True
            self._again = self.world.after(_FAST_NS, self._reconnect)
            return
        if self._before == j.HANDSHAKE:
            self._wrong_keys += 1
            self._shut_out_until = self.world.now + _SHUT_OUT_NS * self._wrong_keys
            self._failed_in_a_row = 0
        pause = _PAUSES_NS[min(self._failed_in_a_row, len(_PAUSES_NS) - 1)]
        self._failed_in_a_row += 1
        self._again = self.world.after(pause + _MACHINE_NS, self._reconnect)
