"""Encrypted frames of a capture: opened where a key and a 4-way handshake allow it, else why they stay closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from halfopen.diagnose.sources.heard import GROUP_BIT, Heard, mac
from halfopen.formats import dot11 as d
from halfopen.formats import eapol as e
from halfopen.kernel import layout as k
from halfopen.kernel.frames import Frames
from halfopen.kernel.protocol import CCMP_HEADER
from halfopen.kernel.unsealing import Bench, Key, Lock, Ring, unlock, unlock_group

if TYPE_CHECKING:
    from array import array

    from halfopen.formats.ccmp import SessionKeys
    from halfopen.formats.wifi_key import WifiKey

#: Pairs of station and access point that are told apart.
LINKS_MAX = 4096
#: Messages of one link that wait for their counterpart, and sessions and group keys that are tried: a handshake is
#: repeated a few times, and frames of the session before it may still be on their way.
WAITING_MAX = 4
SESSIONS_MAX = 3
#: Stations named in one note.
NAMED_MAX = 3

HINT = "only joins and farewells are read; --wifi-key SSID:PASSPHRASE opens WPA2-PSK"
UNKNOWN_HANDSHAKE = "messages 1 and 2 of its 4-way handshake are not in the capture; let it reconnect while the sniffer listens"
WRONG_KEY = "no --wifi-key fits its 4-way handshake (another network, or a wrong passphrase)"
OTHER_SESSION = "of a session whose handshake is not in the capture, or damaged"


class _Link(Struct):
    """What is known of the encryption between one station and one access point."""

    security: e.Security | None = None
    sae: bool = False
    lock: Lock = field(default_factory=Lock)  # its keys are those of the sessions
    anonces: list[bytes] = field(default_factory=list)
    seconds: list[e.KeyMessage] = field(default_factory=list)
    sessions: list[SessionKeys] = field(default_factory=list)
    shook: bool = False  # messages 1 and 2 of a handshake were there to try the keys on
    farewells: int = 0  # that stayed closed


class Encryption:
    """Follows the handshakes of one capture and opens what they open."""

    def __init__(self, keys: Sequence[WifiKey]) -> None:
        self._keys = keys
        self._links: dict[tuple[int, int], _Link] = {}
        self._offers: dict[int, e.Security] = {}
        self._rings: dict[int, Ring] = {}
        self._protected = 0
        self._fragments = 0
        self._others = 0  # to groups without a ring, or between access points: closed, and of no one link

    def offered(self, bssid: int, body: bytes) -> bool:
        """Take a beacon: what its access point offers. Whether that is known now."""
        if bssid not in self._offers and len(self._offers) < LINKS_MAX:
            offer = e.security(body, d.BEACON_FIXED)
            if offer is not None:
                self._offers[bssid] = offer
        return bssid in self._offers

    def asked(self, heard: Heard, body: bytes) -> None:
        """Take an authentication or association frame: what the station chose."""
        link = self._link(heard.station, heard.bssid)
        if link is None:
            return
        if heard.kind == d.AUTH:
            link.sae = int.from_bytes(body[:2], "little") == d.ALGORITHM_SAE
        elif heard.kind in d.REQUEST_FIXED:
            link.security = e.security(body, d.REQUEST_FIXED[heard.kind]) or link.security

    def shaken(self, heard: Heard, eapol: bytes) -> None:
        """Take an EAPOL frame, which may bring keys."""
        message = e.key_message(eapol)
        link = self._link(heard.station, heard.bssid) if message is not None else None
        if message is None or link is None:
            return
        if message.number in (1, 3) and message.nonce not in link.anonces:
            link.anonces = [*link.anonces[1 - WAITING_MAX :], message.nonce]
        if message.number == 2:
            link.security = e.security(message.key_data, 0) or link.security
            link.seconds = [*link.seconds[1 - WAITING_MAX :], message]
        if message.number <= 3:
            self._try(link, heard)
        if message.number in (3, 5):
            self._take_group_key(link, heard.bssid, message)

    def _try(self, link: _Link, heard: Heard) -> None:
        """See whether a key explains a second message."""
        if not link.seconds or not link.anonces:
            return
        link.shook = True
        if not self._keys:
            return
        from halfopen.formats.ccmp import ciphers, session_keys

        ap, station = heard.bssid.to_bytes(6, "big"), heard.station.to_bytes(6, "big")
        for second in link.seconds:
            for key in self._keys:
                for nonce in link.anonces:
                    session = session_keys(key.pmk, ap, station, nonce, second)
                    if session is not None:
                        link.sessions = [session, *link.sessions[: SESSIONS_MAX - 1]]
                        link.lock.keys = [
                            Key(*ciphers(session.temporal)),
                            *link.lock.keys[: SESSIONS_MAX - 1],
                        ]
                        link.seconds.remove(second)
                        return

    def _take_group_key(self, link: _Link, bssid: int, message: e.KeyMessage) -> None:
        if not link.sessions:
            return
        from halfopen.formats.ccmp import ciphers

        session = next((keys for keys in link.sessions if keys.confirms(message)), None)
        data = session.unwrapped(message) if session is not None else None
        found = e.group_key(data) if data is not None else None
        ring = self.ring(bssid)
        if ring is not None and found is not None and len(found[1]) == 16:  # another size is not CCMP
            number, value = found
            ring.keys[number] = [Key(*ciphers(value)), *ring.keys[number][: SESSIONS_MAX - 1]]

    def lock(self, station: int, bssid: int) -> Lock | None:
        """What opens the frames between the two, once one was met."""
        link = self._links.get((station, bssid))
        return link.lock if link is not None else None

    def ring(self, bssid: int) -> Ring | None:
        """What opens an access point's frames to groups; ``None`` when there are too many."""
        if bssid not in self._rings and len(self._rings) >= LINKS_MAX:
            return None
        return self._rings.setdefault(bssid, Ring())

    def unsealed(self, frames: Frames, bench: Bench, row: int, cells: array[int], data: bytearray) -> bool:
        """Take a protected frame, whose air row holds these ``cells``: whether it could be opened, and now is."""
        bssid, receiver = cells[k.W_BSSID], cells[k.W_RA]
        self._protected += 1
        if cells[k.W_FLAGS] & k.FC_MORE_FRAGMENTS or data[cells[k.W_HEADER] + 22] & 15:
            self._fragments += 1
            return False
        if cells[k.W_END] - cells[k.W_BODY] < CCMP_HEADER:
            return False
        if bssid >= 0 and receiver & GROUP_BIT:
            ring = self.ring(bssid)
            if ring is not None:
                return bool(unlock_group(frames, bench, ring, row, 0))
        link = self._link(receiver if cells[k.W_TA] == bssid else cells[k.W_TA], bssid)
        if link is None:
            self._others += 1
            return False
        opened = bool(unlock(frames, bench, link.lock, row, 0))
        link.farewells += not opened and cells[k.W_KIND] in (d.DEAUTH, d.DISASSOC)
        return opened

    def _link(self, station: int, bssid: int) -> _Link | None:
        if bssid < 0 or station < 0 or (station | bssid) & GROUP_BIT:
            return None  # stations among themselves, or access points
        key = (station, bssid)
        if key not in self._links and len(self._links) >= LINKS_MAX:
            return None
        return self._links.setdefault(key, _Link())

    def notes(self) -> list[str]:
        """How much was opened, and why the rest stayed closed, one line each; for captures that hold 802.11."""
        told: list[str] = []
        opened = sum(link.lock.opened for link in self._links.values())
        closed = sum(link.lock.closed for link in self._links.values())
        others = self._others + sum(ring.closed for ring in self._rings.values())
        if self._keys and opened + closed:
            told.append(f"--wifi-key opened {opened} of {opened + closed} encrypted frames")
        elif self._keys and not self._protected:
            told.append("no frame in it is encrypted: --wifi-key had nothing to open")
        reasons: dict[str, list[tuple[str, int]]] = {}
        for (station, bssid), link in self._links.items():
            if link.lock.closed:
                why = self._why(link, self._offers.get(bssid))
                reasons.setdefault(why, []).append((mac(station), link.lock.closed))
        for why, stations in reasons.items():
            count = sum(frames for _, frames in stations)
            stay = "1 encrypted frame stays" if count == 1 else f"{count} encrypted frames stay"
            told.append(f"{stay} closed ({_named(stations)}): {why}")
        if others and self._keys:
            told.append(f"encrypted frames to groups or between access points stay closed: {others}")
        if self._fragments:
            told.append(f"fragments of encrypted frames were not put together: {self._fragments}")
        sealed = [
            (mac(station), link.farewells) for (station, _), link in self._links.items() if link.farewells
        ]
        if sealed:
            told.append(
                f"protected management frames (PMF): no reason can be read in {sum(n for _, n in sealed)} of the"
                f" deauthentications and disassociations ({_named(sealed)})"
            )
        return told

    def _why(self, link: _Link, offer: e.Security | None) -> str:
        security = link.security or offer
        suites = set(security.suites) if security else set()
        if link.lock.wep and not link.lock.extended:
            return "WEP is not opened"
        if link.sae or (suites and suites <= e.AKM_SAE):
            return "WPA3 (SAE) gives each session a key that the passphrase does not tell"
        if suites and suites <= e.AKM_8021X:
            return "WPA-Enterprise has no passphrase"
        if suites == {e.AKM_OWE}:
            return "enhanced open (OWE) has no passphrase"
        if suites and suites <= e.AKM_FT_PSK:
            return "the keys of fast transition (802.11r) are not derived here"
        if security and security.ciphers and e.CIPHER_CCMP not in security.ciphers:
            names = ", ".join(e.CIPHERS.get(number, f"cipher {number}") for number in security.ciphers)
            return f"{names} is not opened, CCMP only"
        if not self._keys:
            return HINT
        if link.sessions:
            return OTHER_SESSION
        return WRONG_KEY if link.shook else UNKNOWN_HANDSHAKE


def _named(stations: Sequence[tuple[str, int]]) -> str:
    names = ", ".join(name for name, _ in stations[:NAMED_MAX])
    if len(stations) == 1:
        return names
    return f"{len(stations)} stations: {names}{', …' if len(stations) > NAMED_MAX else ''}"
