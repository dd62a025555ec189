"""What a monitor-mode capture shows of the air, as facts: joins, farewells, handshakes, polls, beacons, silence.

Frames stay columns in the kernel; only what is worth quoting becomes a :class:`FrameRef`. ``acked`` is ``True`` when the
sniffer heard the acknowledgement, ``False`` when it heard the receiver at other times but not this acknowledgement,
``None`` when it never heard the receiver or the capture holds no acknowledgement at all (then nothing can be said), or
none is due (broadcast). A frame and its retries are one fact.
"""

from __future__ import annotations

from typing import Literal

from halfopen.diagnose.events import Event
from halfopen.diagnose.traffic import FrameRef

Farewell = Literal["deauth", "disassoc"]
JoinStep = Literal[
    "auth-request", "auth-response", "assoc-request", "assoc-response", "reassoc-request", "reassoc-response"
]


class FarewellSeen(Event, frozen=True):
    """A deauthentication or disassociation. ``station`` is ``""`` for a broadcast one (then ``broadcast``).

    ``by_ap`` tells who sent it; ``reason`` is ``None`` when the frame is protected and cannot be read. ``idle_s`` is how
    long the station had sent nothing that this access point's side could hear (``None`` when it never did).
    ``outlived``: later the access point sent the station data, and it had not joined anew: the link never ended.
    """

    kind: Farewell
    station: str
    ap: str
    by_ap: bool
    reason: int | None
    broadcast: bool
    acked: bool | None
    protected: bool
    ref: FrameRef
    idle_s: float | None = None
    outlived: bool = False


class JoinStepSeen(Event, frozen=True):
    """One step of joining. ``status`` for responses (and SAE frames), ``algorithm`` of authentication (0 open, 3 SAE),
    ``sequence`` its transaction number."""

    step: JoinStep
    station: str
    ap: str
    status: int | None
    acked: bool | None
    ref: FrameRef
    algorithm: int | None = None
    sequence: int | None = None


class HandshakeSeen(Event, frozen=True):
    """One EAPOL-Key message: ``message`` 1 to 4 of the 4-way handshake, 5 and 6 for the two of a group rekey."""

    message: int
    station: str
    ap: str
    acked: bool | None
    ref: FrameRef


class KeysUsed(Event, frozen=True):
    """The first encrypted data after a join or a handshake: both sides have the same keys."""

    station: str
    ap: str
    ref: FrameRef


class PollSeen(Event, frozen=True):
    """The access point asked a silent station whether it is there (null or QoS-null data to it)."""

    station: str
    ap: str
    acked: bool | None
    ref: FrameRef


class UnackedRun(Event, frozen=True):
    """Frames of one side to the other that all stayed without acknowledgement: ``count`` of them (retries are one)
    from ``first`` to ``last``; ``resumed`` is the first frame after it that was acknowledged again, if any. ``nulls`` of
    them asked for a sign of life, ``farewells`` were deauthentications and disassociations."""

    station: str
    ap: str
    by_ap: bool
    count: int
    first: FrameRef
    last: FrameRef
    resumed: FrameRef | None
    nulls: int = 0
    farewells: int = 0


class BeaconsObserved(Event, frozen=True):
    """One access point's beacons. ``interval_s`` and ``dtim`` as announced (DTIM period in beacons, 0 unknown);
    ``gaps`` are silences of more than five intervals as (last before, first after); ``restarts`` are beacons whose TSF
    fell back (the access point booted); ``rssi_median`` in dBm as the sniffer heard them (``None`` without radiotap)."""

    ap: str
    ssid: str
    channel: int | None
    count: int
    interval_s: float
    dtim: int
    gaps: tuple[tuple[FrameRef, FrameRef], ...]
    restarts: tuple[FrameRef, ...]
    first: FrameRef
    last: FrameRef
    rssi_median: int | None = None


class ChannelSwitchSeen(Event, frozen=True):
    """An access point announced that it moves to another channel (CSA), in a beacon or an action frame: its cell is
    gone from the channel that the sniffer listens on, and a station that missed it is left behind."""

    ap: str
    channel: int
    ref: FrameRef


class ProbingObserved(Event, frozen=True):
    """Directed probe requests of one station for one SSID, and how many responses with that SSID it got."""

    station: str
    ssid: str
    asked: int
    answered: int
    frames: tuple[FrameRef, ...]


class BufferingObserved(Event, frozen=True):
    """How long the access point kept unicast frames for a dozing station: ``waits_s`` from the first beacon with the
    station's TIM bit to the delivery, ``most_beacons`` the longest run of beacons with the bit set."""

    station: str
    ap: str
    waits_s: tuple[float, ...]
    most_beacons: int
    frames: tuple[FrameRef, ...]


class StationObserved(Event, frozen=True):
    """One station: its access points in the order it joined them, frames, first and last frame it sent, RSSI in dBm of
    its frames (median, minimum; ``None`` without radiotap), how often it changed its power management bit; ``dozed_s``
    of the ``watched_s`` seconds that the bit was known it dozed (a scan elsewhere is a short doze among long wakes);
    ``retried`` of its frames were heard more than once; ``talked`` are its first and last data to an access point; ``turns``
    are the null frames and data that changed its power management bit, each with whether it dozed from then on."""

    station: str
    aps: tuple[str, ...]
    sent: int
    first: FrameRef
    last: FrameRef
    rssi_median: int | None
    rssi_min: int | None
    dozes: int
    dozed_s: float = 0.0
    watched_s: float = 0.0
    retried: int = 0
    talked: tuple[FrameRef, FrameRef] | None = None
    turns: tuple[tuple[FrameRef, bool], ...] = ()


class AirObserved(Event, frozen=True):
    """The capture as a whole: frames, acknowledgements heard, channels (MHz), damaged frames (bad FCS or cut).
    ``unheard`` were sent frames and were themselves never heard, not even to acknowledge: the sniffer stood too far from
    them, and of what reached them nothing is known."""

    frames: int
    acks: int
    channels: tuple[int, ...]
    damaged: int
    unheard: tuple[str, ...] = ()
