"""What an access point knows of one station, as a table: hostapd's states and what takes it from one to the other.

``TRANSITIONS[state, event]`` is the next state and the effects, which :mod:`halfopen.twin.wifi.access_point` carries out.
An event that has no row changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from halfopen.twin.wifi.frames import AirFrame

if TYPE_CHECKING:
    from halfopen.twin.wifi.path import Path
    from halfopen.twin.world import Timer

# States
ABSENT, AUTHENTICATED, HANDSHAKING, AUTHORIZED, POLLED, PARTING = (
    "absent",
    "authenticated",
    "handshaking",
    "authorized",
    "polled",
    "parting",
)
#: A frame of the class that only members may send is taken from stations in these states.
MEMBERS = frozenset({HANDSHAKING, AUTHORIZED, POLLED})

# Events
AUTHENTICATES, ASSOCIATES, ASSOCIATES_OPEN = "authenticates", "associates", "associates-open"
KEYED, KEYS_FAILED, REKEY_FAILED = "keyed", "keys-failed", "rekey-failed"
IDLE, IDLE_UNPOLLED, ANSWERED, UNANSWERED, DUE = "idle", "idle-unpolled", "answered", "unanswered", "due"
LEAVES, DISASSOCIATES = "leaves", "disassociates"
KICKED, KICKED_SOFTLY, LOW_ACK, VANISHES = "kicked", "kicked-softly", "low-ack", "vanishes"

# Effects
REMEMBER, ADMIT, START_KEYS, OPEN_PORT = "remember", "admit", "start-keys", "open-port"
WATCH, POLL, WAIT_FOR_POLL, WAIT_TO_DEAUTH, LINGER = (
    "watch",
    "poll",
    "wait-for-poll",
    "wait-to-deauth",
    "linger",
)
CLOSE_PORT, FORGET = "close-port", "forget"
DISASSOC_INACTIVE, DISASSOC_LOW_ACK, DEAUTH_EXPIRED = "disassoc-4", "disassoc-34", "deauth-2"
DEAUTH_HANDSHAKE, DEAUTH_REKEY = "deauth-15", "deauth-16"

Row = tuple[str, tuple[str, ...]]


def _rows() -> dict[tuple[str, str], Row]:
    rows: dict[tuple[str, str], Row] = {
        (ABSENT, AUTHENTICATES): (AUTHENTICATED, (REMEMBER,)),
        (HANDSHAKING, KEYED): (AUTHORIZED, (OPEN_PORT, WATCH)),
        (HANDSHAKING, KEYS_FAILED): (ABSENT, (DEAUTH_HANDSHAKE, FORGET)),
        (AUTHORIZED, IDLE): (POLLED, (POLL, WAIT_FOR_POLL)),
        (AUTHORIZED, IDLE_UNPOLLED): (PARTING, (DISASSOC_INACTIVE, CLOSE_PORT, WAIT_TO_DEAUTH)),
        (POLLED, ANSWERED): (AUTHORIZED, (WATCH,)),
        (POLLED, UNANSWERED): (PARTING, (DISASSOC_INACTIVE, CLOSE_PORT, WAIT_TO_DEAUTH)),
        (PARTING, DUE): (ABSENT, (DEAUTH_EXPIRED, FORGET)),
        (PARTING, KICKED): (ABSENT, (FORGET,)),
        (PARTING, LEAVES): (ABSENT, (FORGET,)),
        (AUTHENTICATED, KICKED): (ABSENT, (FORGET,)),
        (AUTHENTICATED, LEAVES): (ABSENT, (FORGET,)),
        (AUTHENTICATED, ASSOCIATES): (HANDSHAKING, (ADMIT, START_KEYS)),
        (AUTHENTICATED, ASSOCIATES_OPEN): (AUTHORIZED, (ADMIT, OPEN_PORT, WATCH)),
    }
    for state in (AUTHENTICATED, HANDSHAKING, AUTHORIZED, POLLED, PARTING):
        # hostapd keeps the entry and begins anew; what it knew of a former association is gone.
        rows[state, AUTHENTICATES] = (AUTHENTICATED, (CLOSE_PORT, REMEMBER))
        rows[state, VANISHES] = (ABSENT, (FORGET,))
    for state in sorted(MEMBERS):
        rows[state, ASSOCIATES] = (HANDSHAKING, (CLOSE_PORT, ADMIT, START_KEYS))
        rows[state, ASSOCIATES_OPEN] = (AUTHORIZED, (CLOSE_PORT, ADMIT, OPEN_PORT, WATCH))
        rows[state, LEAVES] = (ABSENT, (FORGET,))
        # The station's own disassociation is followed by the access point's deauthentication 2 a second later.
        rows[state, DISASSOCIATES] = (PARTING, (CLOSE_PORT, WAIT_TO_DEAUTH))
        rows[state, KICKED] = (ABSENT, (FORGET,))
        rows[state, KICKED_SOFTLY] = (PARTING, (CLOSE_PORT, LINGER))
        rows[state, LOW_ACK] = (PARTING, (DISASSOC_LOW_ACK, CLOSE_PORT, LINGER))
        rows[state, REKEY_FAILED] = (ABSENT, (DEAUTH_REKEY, FORGET))
    return rows


TRANSITIONS = _rows()


class Association:
    """One station's entry. Times in ns; ``waiting`` holds what is kept for it while it dozes."""

    __slots__ = (
        "aid",
        "heard_at",
        "key_tries",
        "lost_frames",
        "mac",
        "nonce",
        "path",
        "poll_acked",
        "rekeying",
        "serial",
        "state",
        "steered",
        "timer",
        "verified",
        "waiting",
        "wake",
    )

    def __init__(self, mac: str, path: Path) -> None:
        self.mac = mac
        self.path = path
        self.state = ABSENT
        self.aid = 0
        #: When the station was last heard, or acknowledged something.
        self.heard_at = 0
        self.poll_acked = False
        #: Frames in a row that it did not acknowledge.
        self.lost_frames = 0
        self.timer: Timer | None = None
        self.waiting: list[tuple[int, AirFrame]] = []
        self.wake: Timer | None = None
        #: Tries of the key message under way, whether M2 was right, and whether it is the group's key.
        self.key_tries = 0
        self.verified = False
        self.rekeying = False
        self.nonce = 0
        #: It is being put out for being weak.
        self.steered = False
        #: Of what is drawn for it.
        self.serial = 0

    @property
    def dozing(self) -> bool:
        """Whether the access point believes that the station dozes."""
        return self.state in MEMBERS and self.path.station.dozes()
