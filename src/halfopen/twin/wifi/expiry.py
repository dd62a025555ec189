"""How an access point lets go of a station that it does not hear: hostapd's inactivity timer.

A check comes ``inactivity`` after the association, then again after what is left plus up to 20 s (hostapd spreads them by
chance). A station that was quiet for so long is polled with a null frame; one that does not acknowledge it is disassociated
(4) after three seconds and deauthenticated (2) a second later. For a station that will certainly answer nothing of that
is played: :meth:`Expiry.settle` counts the checks and polls that passed, and a recorder gets them as if they had been.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.impairments.span import TO_DEVICE
from halfopen.twin.wifi import association as a
from halfopen.twin.wifi.association import Association
from halfopen.twin.wifi.frames import null
from halfopen.twin.wifi.signal import share
from halfopen.twin.world import SECOND

if TYPE_CHECKING:
    from halfopen.twin.wifi.access_point import AccessPoint

#: After a disassociation by command the entry stays for half a minute (AP_MAX_INACTIVITY_AFTER_DISASSOC).
_LINGER_NS = 30 * SECOND


class Expiry:
    """The inactivity timers of one access point."""

    def __init__(self, ap: AccessPoint) -> None:
        self._ap = ap
        self._world = ap.world
        self._seed = ap.air.seed_for(f"{ap.name} expiry")
        #: When each member is looked at next (ns).
        self._check_at: dict[str, int] = {}
        #: Seconds that a check is put off by, as ``os_random() % 20`` draws them; a replay says what it was.
        self.fuzz_s = self._fuzz_s

    def _fuzz_s(self, entry: Association) -> int:
        entry.serial += 1
        number = int(entry.mac.replace(":", ""), 16) * 1_000_003 + entry.serial
        return int(share(self._seed, number) * self._ap.figures.fuzz_s)

    def watch(self, entry: Association) -> None:
        """A member from now on: its first check, or the next after it answered."""
        answered = entry.poll_acked
        entry.poll_acked = False
        wait = self._ap.inactivity_ns
        if answered:
            wait += self.fuzz_s(entry) * SECOND - self._whole(self._world.now - entry.heard_at)
        self._check_at[entry.mac] = self._world.now + max(wait, SECOND)
        self.look(entry)

    @staticmethod
    def _whole(quiet: int) -> int:
        """The driver tells whole seconds."""
        return quiet // SECOND * SECOND

    def stop(self, entry: Association) -> None:
        """Nothing is due for an entry any more."""
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        self._check_at.pop(entry.mac, None)

    # Closed form --------------------------------------------------------------------------------------------

    def _certain(self, entry: Association) -> bool:
        """Whether the station will answer every poll until something changes."""
        ap = self._ap
        return (
            not ap.skip_poll
            and ap.on_air
            and entry.path.steady(ap.figures.retries)
            and entry.path.station.answers(ap, ap.figures.disassoc_after_ns)
        )

    def look(self, entry: Association) -> None:
        """Play the checks of an entry from now on, or leave them to the closed form."""
        due = self._check_at.get(entry.mac)
        if due is None or entry.state != a.AUTHORIZED:
            return
        if self._certain(entry):
            if entry.timer is not None:
                entry.timer.cancel()
                entry.timer = None
        elif entry.timer is None:
            self.settle(entry)
            entry.timer = self._world.at(self._check_at[entry.mac], self._check, entry)

    def settle(self, entry: Association) -> None:
        """Count the checks and polls of a certain member that passed until now."""
        if entry.state != a.AUTHORIZED or entry.timer is not None:
            return
        due = self._check_at.get(entry.mac)
        if due is None or due > self._world.now:
            return
        ap = self._ap
        station = entry.path.station
        poll = null(ap.bssid, station.mac, power=False, qos=station.figures.qos, by_ap=True)
        while due <= self._world.now:
            heard = entry.heard_at if entry.heard_at <= due else due
            quiet = due - heard
            if quiet >= ap.inactivity_ns:
                if ap.air.log is None:
                    ap.air.note_unseen(entry.path, poll, 1)
                else:
                    # Each is a frame of its own, with a sequence number of its own.
                    poll = null(ap.bssid, station.mac, power=False, qos=station.figures.qos, by_ap=True)
                    ap.air.note_past(entry.path, poll, TO_DEVICE, due)
                ap.air.truth.note(
                    ap.name, "station-polled", mac=entry.mac, acked=True, polled_ms=due / 1_000_000
                )
                entry.heard_at = heard = due
                quiet = 0
            due += max(ap.inactivity_ns + self.fuzz_s(entry) * SECOND - self._whole(quiet), SECOND)
        self._check_at[entry.mac] = due

    # Played -------------------------------------------------------------------------------------------------

    def _check(self, entry: Association) -> None:
        entry.timer = None
        ap = self._ap
        station = entry.path.station
        station.settle()
        if self._world.now - entry.heard_at >= ap.inactivity_ns:
            station.rouse()  # keepalive of a connection that dozes counts, too
        quiet = self._world.now - entry.heard_at
        if self._whole(quiet) < ap.inactivity_ns:
            wait = max(ap.inactivity_ns + self.fuzz_s(entry) * SECOND - self._whole(quiet), SECOND)
            self._check_at[entry.mac] = self._world.now + wait
            self.look(entry)
        else:
            ap.happen(entry, a.IDLE_UNPOLLED if ap.skip_poll else a.IDLE, why="inactivity")

    def poll(self, entry: Association) -> None:
        """Ask whether anybody is there."""
        ap = self._ap
        entry.poll_acked = False
        station = entry.path.station
        frame = null(ap.bssid, station.mac, power=False, qos=station.figures.qos, by_ap=True)
        ap.send_or_keep(entry, frame, lambda acked: self._polled(entry, acked))

    def _polled(self, entry: Association, acked: bool) -> None:
        self._ap.note("station-polled", mac=entry.mac, acked=acked)
        if acked:
            entry.poll_acked = True
            entry.heard_at = self._world.now

    def wait_for_poll(self, entry: Association) -> None:
        """Give it three seconds."""
        entry.timer = self._world.after(self._ap.figures.disassoc_after_ns, self._poll_over, entry)

    def _poll_over(self, entry: Association) -> None:
        entry.timer = None
        quiet = self._world.now - entry.heard_at
        answered = entry.poll_acked or self._whole(quiet) < self._ap.inactivity_ns
        entry.poll_acked = answered
        self._ap.happen(entry, a.ANSWERED if answered else a.UNANSWERED, why="inactivity")

    def wait_to_deauth(self, entry: Association) -> None:
        """A second more, and the entry goes, too."""
        self.stop(entry)
        entry.timer = self._world.after(self._ap.figures.deauth_after_ns, self._due, entry)

    def linger(self, entry: Association) -> None:
        """The entry of a station that was disassociated by command stays for a while."""
        self.stop(entry)
        entry.timer = self._world.after(_LINGER_NS, self._due, entry)

    def _due(self, entry: Association) -> None:
        entry.timer = None
        self._ap.happen(entry, a.DUE, why="inactivity")
