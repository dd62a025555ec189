"""Twin and reality side by side: frames aligned, times and errors compared."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halfopen.twin.fidelity.inferring import infer, with_sends
from halfopen.twin.fidelity.replay import CONTROLS, Lab, Outcome, Situation
from halfopen.twin.fidelity.wire import Seen, read_capture
from halfopen.twin.packets import ACK, FIN, RST
from halfopen.twin.world import SECOND

#: What "the same time" means: one tick of lwIP's slow timer, or a twentieth (the issue's promise).
TICK_S, SHARE = 0.5, 0.05
#: lwIP's fast timer and the lab's FreeRTOS tick in seconds, and how long the grid can be followed without a frame on it.
FAST_S, OS_TICK_S, SURE_S = 0.25, 0.01, 15.0
#: The lab's clock runs before its capture does: by 0.13 to 0.21 s in the recordings where a connection tells.
LAB_STARTS_S = 0.16
#: The peer's programs are ended that much later, since its timers have a phase of their own.
GRACE_S = 0.03


Row = tuple[Seen | None, Seen | None]


@dataclass(slots=True)
class Comparison:
    """One recording beside its replay. ``rows`` pair frames; one of a pair is ``None`` where the other has none."""

    name: str
    situation: Situation
    description: str
    rows: list[Row] = field(default_factory=list)
    calls: list[tuple[dict[str, Any], Outcome | None]] = field(default_factory=list)
    #: When the recorded machine lost ticks, and how much, in seconds.
    slips: list[tuple[float, float]] = field(default_factory=list)

    def unmatched(self, arp: bool = False) -> list[Row]:
        """Rows whose frame only one of the two has; ARP is told apart, and so is what a race decides."""
        phase = self.raced()
        return [row for row in self.rows if None in row and _row_is_arp(row) == arp and row not in phase]

    def raced(self) -> list[Row]:
        """Bare ACKs of the device that only one of the two has and whose number a later frame of the device repeats.

        Whether such an ACK goes alone or with the next frame is decided by milliseconds: the timer's phase, or which
        of two tasks ran first.
        """
        sides = (_in_order(row[0] for row in self.rows), _in_order(row[1] for row in self.rows))
        found = []
        for row in self.rows:
            seen = row[0] or row[1]
            if None not in row or seen is None or not _is_bare_ack(seen):
                continue
            side = sides[0 if row[0] is not None else 1]
            later = side[side.index(seen) + 1 :]
            follows = next((other for other in later if other.from_device and other.flow == seen.flow), None)
            if follows is not None and follows.ack >= seen.ack:
                found.append(row)
        return found

    def late(self, arp: bool = False) -> list[tuple[Seen, Seen]]:
        """Pairs whose times differ by more than is promised; ARP is told apart."""
        return [
            (real, twin)
            for real, twin in self.rows
            if real and twin and _is_arp(real) == arp and not near(real.time, twin.time)
        ]

    def windows(self) -> list[tuple[Seen, Seen]]:
        """Pairs with different windows."""
        return [(real, twin) for real, twin in self.rows if real and twin and real.window != twin.window]

    def wrong_calls(self) -> list[tuple[dict[str, Any], Outcome | None]]:
        """Calls whose value, error or duration differ."""
        return [
            (real, twin)
            for real, twin in self.calls
            if twin is None
            or real.get("err") != twin.error
            or real.get("ret") != twin.value
            or not near((real.get("ms") or 0) / 1000, twin.seconds)
        ]

    @property
    def holds(self) -> bool:
        """Same segments in the same order at the same times, and the same outcome of every call."""
        return not self.unmatched() and not self.late() and not self.wrong_calls()


def near(real: float, twin: float) -> bool:
    """Whether two times are the same as promised."""
    return abs(real - twin) <= max(TICK_S, SHARE * real)


def _in_order(side: Iterable[Seen | None]) -> list[Seen]:
    return sorted((seen for seen in side if seen is not None), key=lambda seen: seen.time)


def _is_bare_ack(seen: Seen) -> bool:
    return seen.from_device and seen.kind == "TCP" and seen.flags == ACK and not seen.length


def _row_is_arp(row: Row) -> bool:
    return any(seen is not None and _is_arp(seen) for seen in row)


def _is_arp(seen: Seen) -> bool:
    return seen.kind.startswith("ARP")


def compare(folder: Path, name: str, situation: Situation | None = None, seed: int = 7) -> Comparison:
    """Replay the recording ``name`` of ``folder`` and compare; without a situation its description has to do.

    Raises:
        OSError, ValueError: the recording cannot be read.
    """
    truth = json.loads((folder / f"{name}.truth.json").read_text(encoding="utf-8"))
    real = read_capture((folder / f"{name}.pcapng").read_bytes())
    log = folder / f"{name}.uart.log"
    if log.is_file():
        truth["events"] = with_sends(truth["events"], log.read_text(encoding="utf-8", errors="replace"))
    situation = situation or infer(truth["desc"])
    lab, twin = replay(situation, truth, real, seed)
    comparison = Comparison(name, situation, truth["desc"], slips=slips(real))
    comparison.rows = align(real, twin)
    comparison.calls = pair_calls(truth["events"], lab.outcomes)
    return comparison


def replay(
    situation: Situation, truth: dict[str, Any], real: list[Seen], seed: int
) -> tuple[Lab, list[Seen]]:
    """Play a recording again until the real capture ended."""
    lab = Lab(situation, seed)
    events = truth["events"]
    connect = next((event for event in events if str(event["what"]).startswith("connect")), events[0])
    anchor = next(
        (seen.time for seen in real if _is_arp(seen) and seen.time > 0 and seen.from_device), real[0].time
    )
    issued = connect["t"] - (connect.get("ms") or 0) / 1000
    if not str(connect["what"]).startswith("connect"):
        anchor = issued - LAB_STARTS_S
    first_at = anchor - (issued - events[0]["t"])
    lab.device.netif_up()
    for when, late in slips(real):
        lab.world.at(int(when * SECOND), lab.device.tcp.timers.slip, int(late * SECOND))
    if situation.also is not None:
        situation.also(lab, truth["events"], real)
    for when, flow in peer_closings(real):
        lab.world.at(int(when * SECOND), lab.close_at_peer, flow)
    lab.tasks.start("app", lab.play(events, max(0.0, first_at)))
    end = max(real[-1].time, events[-1]["t"])
    lab.world.run(int((end * (1 + SHARE) + TICK_S) * SECOND))
    return lab, read_capture(lab.recorder.pcapng())


def peer_closings(real: list[Seen]) -> list[tuple[float, int]]:
    """When (s) the peer's programs closed which flow of their own accord: a FIN or RST that the device did not cause.

    At the capture's end that is the lab being taken down, a little after everything else is over.
    """
    ended: set[int] = set()
    found: list[tuple[float, int]] = []
    for seen in real:
        if seen.kind != "TCP" or not seen.flags & (FIN | RST) or seen.flow in ended:
            continue
        ended.add(seen.flow)
        of_its_own = seen.flags & FIN or (seen.flags & ACK and seen.seq)
        if not seen.from_device and of_its_own:
            at_end = seen.time > real[-1].time - TICK_S
            found.append((seen.time + (GRACE_S if at_end else 0.0), seen.flow))
    return found


def slips(real: list[Seen]) -> list[tuple[float, float]]:
    """When (s) the lab's device lost time, and how much: its timers' frames are no longer on the 250 ms grid.

    The recorded device is a process on a busy machine. Frames that only its timers send (repeated segments) must lie
    on the grid that the first connection began; where two of them lie a little off by different amounts, ticks were
    lost in between. That is the lab's, not lwIP's, so it is put in. Over long gaps it cannot be known and is left out.
    """
    begin = next((seen.time for seen in real if seen.from_device and seen.time > 0), None)
    if begin is None:
        return []
    found: list[tuple[float, float]] = []
    known: set[tuple[int, int, int]] = set()
    before, lost = begin, 0.0
    for seen in real:
        if not seen.from_device or seen.kind != "TCP" or (not seen.length and not seen.flags & ~ACK):
            continue
        key = (seen.flow, seen.seq, seen.length)
        if key not in known:
            known.add(key)
            continue
        # Time is only ever lost: the last bit of the circle is a frame that came a little early.
        off = (seen.time - begin - lost) % FAST_S
        if seen.time - before < SURE_S and OS_TICK_S * 0.7 < off < FAST_S * 0.9:
            ticks = round(off / OS_TICK_S) * OS_TICK_S
            found.append((before + OS_TICK_S, ticks))
            lost += ticks
        before = seen.time
    return found


def align(real: list[Seen], twin: list[Seen]) -> list[Row]:
    """Pair frames in order; ARP and everything else apart, so that the clockwork of one cannot hide the other's.

    What the twin sends after the recording stopped is not compared.
    """
    rows: list[Row] = []
    for lane in sorted({_lane(seen) for seen in (*real, *twin)}):
        left = [seen for seen in real if _lane(seen) == lane]
        right = [seen for seen in twin if _lane(seen) == lane]
        matcher = difflib.SequenceMatcher(
            None, [seen.shape for seen in left], [seen.shape for seen in right], autojunk=False
        )
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag == "equal":
                rows += zip(left[a:b], right[c:d], strict=True)
            else:
                rows += [(seen, None) for seen in left[a:b]]
                tail = b == len(left)
                end = real[-1].time
                rows += [
                    (None, seen)
                    for seen in right[c:d]
                    if not (tail and (seen.time > end or near(end, seen.time)))
                ]
    return sorted(rows, key=_row_time)


def _row_time(row: tuple[Seen | None, Seen | None]) -> float:
    seen = row[0] or row[1]
    return seen.time if seen is not None else 0.0


def _lane(seen: Seen) -> int:
    """Frames are ordered within their flow; between flows times say the order. ARP and ICMP are lanes of their own."""
    return -1 if _is_arp(seen) else seen.flow


def pair_calls(
    events: list[dict[str, Any]], outcomes: list[Outcome]
) -> list[tuple[dict[str, Any], Outcome | None]]:
    """Recorded calls beside replayed ones, in order."""
    made = iter(outcomes)
    pairs: list[tuple[dict[str, Any], Outcome | None]] = []
    following = next(made, None)
    for event in events:
        if event.get("err") is None or event["what"] in CONTROLS:
            continue
        if following is None:
            pairs.append((event, None))
            continue
        if following.what == event["what"]:
            pairs.append((event, following))
            following = next(made, None)
        else:
            pairs.append((event, None))
    return pairs
