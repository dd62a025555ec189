"""The access point's side of keys: the 4-way handshake with its four tries a second apart, and the group rekey.

What the messages hold is made of nonces alone: whether the password is right is known to both ends of the twin, and a
capture without the key cannot tell. The right password brings M3; the wrong one makes every M2 go unanswered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.formats import dot11 as d
from halfopen.formats import dot11_frames as bodies
from halfopen.formats.eapol import message_number
from halfopen.twin.wifi import association as a
from halfopen.twin.wifi.association import Association
from halfopen.twin.wifi.frames import FROM_DS, PROTECTED, AirFrame
from halfopen.twin.wifi.signal import mixed

if TYPE_CHECKING:
    from halfopen.twin.wifi.access_point import AccessPoint
    from halfopen.twin.world import Timer


class Keys:
    """The handshakes of one access point; ``every_ns`` is how often the group key changes, 0 for never."""

    def __init__(self, ap: AccessPoint, every_ns: int) -> None:
        self._ap = ap
        self._world = ap.world
        self._every_ns = every_ns
        self._timers: dict[str, Timer] = {}
        self._rekey: Timer | None = None
        self._seed = ap.air.seed_for(f"{ap.name} keys")

    def start(self) -> None:
        """The access point runs."""
        if self._every_ns and self._ap.security != "open":
            self._rekey = self._world.after(self._every_ns, self._rekey_due)

    def stop(self) -> None:
        """It runs no more."""
        if self._rekey is not None:
            self._rekey.cancel()
            self._rekey = None

    def stop_one(self, entry: Association) -> None:
        """Nothing is awaited of a station any more."""
        timer = self._timers.pop(entry.mac, None)
        if timer is not None:
            timer.cancel()
        entry.rekeying = False

    def begin(self, entry: Association) -> None:
        """The station is associated: M1 goes, and again every second."""
        self.stop_one(entry)
        entry.verified = False
        entry.key_tries = 0
        entry.nonce = mixed(self._seed ^ self._world.now)
        self._timers[entry.mac] = self._world.after(self._ap.figures.key_first_ns, self._try, entry)

    def rekey(self) -> None:
        """Change the group key: every member has to answer."""
        for entry in list(self._ap.table.values()):
            if entry.state in (a.AUTHORIZED, a.POLLED):
                self.stop_one(entry)
                entry.rekeying = True
                entry.key_tries = 0
                self._try(entry)

    def _rekey_due(self) -> None:
        self._rekey = self._world.after(self._every_ns, self._rekey_due)
        self.rekey()

    def _try(self, entry: Association) -> None:
        self._timers.pop(entry.mac, None)
        figures = self._ap.figures
        if entry.key_tries >= figures.key_tries:
            rekeying, entry.rekeying = entry.rekeying, False
            self._ap.happen(entry, a.REKEY_FAILED if rekeying else a.KEYS_FAILED, why="handshake")
            return
        entry.key_tries += 1
        self._timers[entry.mac] = self._world.after(figures.key_every_ns, self._try, entry)
        number = 5 if entry.rekeying else 3 if entry.verified else 1
        self._send(entry, number)

    def _send(self, entry: Association, number: int) -> None:
        ap = self._ap
        station = entry.path.station
        frame = AirFrame(
            d.QOS_DATA if station.figures.qos else d.DATA,
            station.mac,
            ap.bssid,
            ap.bssid,
            bodies.key_frame(number, entry.key_tries, entry.nonce),
            flags=FROM_DS | (PROTECTED if number >= 5 else 0),
            why=f"key-message-{number}" if number <= 4 else "group-rekey",
        )
        if number >= 5:
            ap.send_or_keep(entry, frame)
        else:
            ap.send(entry.path, frame)

    def take(self, entry: Association, eapol: bytes) -> None:
        """A key message of a station came."""
        number = message_number(eapol)
        station = entry.path.station
        if number == 2 and entry.state == a.HANDSHAKING and not entry.verified:
            if station.password_for(self._ap) != self._ap.password:
                return  # the message's check fails: it is dropped, and M1 goes again
            entry.verified = True
            entry.key_tries = 0
            timer = self._timers.pop(entry.mac, None)
            if timer is not None:
                timer.cancel()
            self._timers[entry.mac] = self._world.after(self._ap.figures.think_ns, self._try, entry)
        elif number == 4 and entry.state == a.HANDSHAKING and entry.verified:
            self.stop_one(entry)
            self._ap.happen(entry, a.KEYED)
        elif number == 6 and entry.rekeying:
            self.stop_one(entry)
