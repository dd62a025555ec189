"""How stations come and go: authentication, association, the key handshake, farewells."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from halfopen.diagnose.radio import (
    Farewell,
    FarewellSeen,
    HandshakeSeen,
    JoinStep,
    JoinStepSeen,
    KeysUsed,
)
from halfopen.diagnose.sources.heard import NS, Heard, Witness, mac
from halfopen.formats import dot11 as d
from halfopen.formats.eapol import message_number
from halfopen.kernel import layout as k
from halfopen.kernel.quoting import Bounded, Quota

#: What an access point had queued for a station may still follow its farewell for this long, in nanoseconds.
FLUSHED_NS = 500_000_000
#: Pairs of station and access point that are told apart, and frames quoted of all of them together.
PAIRS_MAX = 2048
QUOTED_MAX = 50_000
#: Farewells in a row without a join between them that are remembered.
PARTING_MAX = 16

FAREWELLS: dict[int, Farewell] = {d.DEAUTH: "deauth", d.DISASSOC: "disassoc"}
STEPS: dict[int, JoinStep] = {
    d.ASSOC_REQUEST: "assoc-request",
    d.ASSOC_RESPONSE: "assoc-response",
    d.REASSOC_REQUEST: "reassoc-request",
    d.REASSOC_RESPONSE: "reassoc-response",
}
#: Transactions of SAE (IEEE 802.11-2020 section 12.4.7.4).
SAE_STEPS = {1: "SAE commit", 2: "SAE confirm"}


def word(body: bytes, at: int) -> int | None:
    """The little-endian 16-bit number at ``at``, ``None`` when the frame ends before it."""
    return int.from_bytes(body[at : at + 2], "little") if at + 2 <= len(body) else None


class _Farewell(Struct):
    heard: Heard
    reason: int | None
    spoke: int | None  # when the station last sent anything to this access point
    reached: int | None  # when it last sent what was acknowledged
    outlived: bool = False


class _Step(Struct):
    heard: Heard
    step: JoinStep
    status: int | None
    algorithm: int | None = None
    sequence: int | None = None


class _Message(Struct):
    heard: Heard
    message: int


class _Sealed(Struct):
    heard: Heard


Note = _Farewell | _Step | _Message | _Sealed


class Joins:
    """Collects the comings and goings of one capture; ``lost`` frames found no room."""

    def __init__(self) -> None:
        self.lost = 0
        self._quota = Quota(QUOTED_MAX)
        self._notes: dict[tuple[type, int, int], Bounded] = {}
        self._keyless: set[tuple[int, int]] = set()  # pairs that joined and have not used keys yet
        self._parting: dict[
            tuple[int, int], list[_Farewell]
        ] = {}  # farewells of access points, until a new join

    def bid(self, heard: Heard, body: bytes, spoke: int | None, reached: int | None) -> None:
        """Take a deauthentication or disassociation; the times are the station's last signs of life."""
        name = d.NAMES[heard.kind]
        reason = word(body, 0)  # nothing is left of a protected body that stayed closed
        heard.detail = (
            f"{name} reason {reason}"
            if reason is not None
            else f"{name} ({'protected' if heard.protected else 'cut'})"
        )
        note = _Farewell(heard, reason, spoke, reached)
        self._note(note)
        if heard.by_ap and not heard.group and len(self._parting) < PAIRS_MAX:
            parting = self._parting.setdefault((heard.station, heard.bssid), [])
            parting.append(note)
            del parting[:-PARTING_MAX]

    def step(self, heard: Heard, body: bytes) -> int | None:
        """Take an authentication or association frame; the status that it tells."""
        name = d.NAMES[heard.kind]
        status: int | None = None
        if heard.kind == d.AUTH:
            algorithm, sequence = word(body, 0), word(body, 2)
            if heard.by_ap or algorithm == d.ALGORITHM_SAE:
                status = word(body, 4)
            sae = SAE_STEPS.get(sequence or 0) if algorithm == d.ALGORITHM_SAE else None
            heard.detail = f"{name} {sae}" if sae else f"{name} algorithm {algorithm} seq {sequence}"
            note = _Step(
                heard, "auth-response" if heard.by_ap else "auth-request", status, algorithm, sequence
            )
        else:
            if heard.kind in (d.ASSOC_RESPONSE, d.REASSOC_RESPONSE):
                status = word(body, 2)
            heard.detail = name
            note = _Step(heard, STEPS[heard.kind], status)
        if status is not None:
            heard.detail += f" status {status}"
        self._note(note)
        self._joining(heard)
        return status

    def key(self, heard: Heard, eapol: bytes) -> None:
        """Take an EAPOL frame, which may be a message of a handshake."""
        message = message_number(eapol)
        if message is None:
            return
        heard.detail = (
            f"EAPOL-Key message {message} of 4"
            if message <= 4
            else f"EAPOL-Key group message {message - 4} of 2"
        )
        self._note(_Message(heard, message))
        if message <= 2 and not heard.protected:
            self._joining(heard)

    def _joining(self, heard: Heard) -> None:
        pair = (heard.station, heard.bssid)
        self._parting.pop(pair, None)
        if len(self._keyless) < PAIRS_MAX:
            self._keyless.add(pair)

    def data(self, heard: Heard) -> None:
        """Take data with content between a station and its access point: what it proves of keys and farewells."""
        pair = (heard.station, heard.bssid)
        if heard.protected and pair in self._keyless:
            self._keyless.discard(pair)
            self._note(_Sealed(heard))
        if heard.by_ap and pair in self._parting:
            for farewell in self._parting[pair]:
                farewell.outlived |= heard.time - farewell.heard.time > FLUSHED_NS

    def noted(self, station: int, bssid: int) -> int:
        """What data between the two would tell (``NOTED_*``)."""
        pair = (station, bssid)
        return k.NOTED_KEYLESS * (pair in self._keyless) | k.NOTED_PARTING * (pair in self._parting)

    def _note(self, note: Note) -> None:
        key = (type(note), note.heard.station, note.heard.bssid)
        if key not in self._notes and len(self._notes) >= PAIRS_MAX:
            self.lost += 1
            return
        self._notes.setdefault(key, Bounded(self._quota)).add(note)

    def observed(self, witness: Witness) -> Iterator[FarewellSeen | JoinStepSeen | HandshakeSeen | KeysUsed]:
        """Every frame that was kept, station by station."""
        for notes in self._notes.values():
            for note in notes:
                if isinstance(note, _Farewell):
                    yield _farewell(note, witness)
                elif isinstance(note, _Step):
                    yield _step(note, witness)
                elif isinstance(note, _Message):
                    yield _handshake(note, witness)
                else:
                    yield _used(note, witness)


def _farewell(note: _Farewell, witness: Witness) -> FarewellSeen:
    heard = note.heard
    since = note.reached if witness.acks else note.spoke
    return FarewellSeen(
        where=witness.where(heard),
        at=witness.at(heard),
        kind=FAREWELLS[heard.kind],
        station="" if heard.by_ap and heard.group else mac(heard.station),
        ap=mac(heard.bssid),
        by_ap=heard.by_ap,
        reason=note.reason,
        broadcast=heard.group,
        acked=witness.acked(heard),
        protected=heard.protected,
        ref=witness.ref(heard),
        idle_s=None if since is None or heard.group else (heard.time - since) / NS,
        outlived=note.outlived,
    )


def _step(note: _Step, witness: Witness) -> JoinStepSeen:
    heard = note.heard
    return JoinStepSeen(
        where=witness.where(heard),
        at=witness.at(heard),
        step=note.step,
        station=mac(heard.station),
        ap=mac(heard.bssid),
        status=note.status,
        acked=witness.acked(heard),
        ref=witness.ref(heard),
        algorithm=note.algorithm,
        sequence=note.sequence,
    )


def _handshake(note: _Message, witness: Witness) -> HandshakeSeen:
    heard = note.heard
    return HandshakeSeen(
        where=witness.where(heard),
        at=witness.at(heard),
        message=note.message,
        station=mac(heard.station),
        ap=mac(heard.bssid),
        acked=witness.acked(heard),
        ref=witness.ref(heard),
    )


def _used(note: _Sealed, witness: Witness) -> KeysUsed:
    heard = note.heard
    return KeysUsed(
        witness.where(heard), witness.at(heard), mac(heard.station), mac(heard.bssid), witness.ref(heard)
    )
