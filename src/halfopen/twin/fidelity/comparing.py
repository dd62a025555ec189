"""Twin and reality side by side: frames aligned, times and errors compared."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from halfopen.twin.fidelity.replay import Lab, Outcome, Situation
from halfopen.twin.fidelity.wire import Seen, read_capture
from halfopen.twin.world import SECOND

#: What "the same time" means: one tick of lwIP's slow timer, or a twentieth (the issue's promise).
TICK_S, SHARE = 0.5, 0.05


@dataclass(slots=True)
class Comparison:
    """One recording beside its replay. ``rows`` pair frames; one of a pair is ``None`` where the other has none."""

    name: str
    situation: Situation
    description: str
    rows: list[tuple[Seen | None, Seen | None]] = field(default_factory=list)
    calls: list[tuple[dict[str, Any], Outcome | None]] = field(default_factory=list)

    def unmatched(self, arp: bool = False) -> list[tuple[Seen | None, Seen | None]]:
        """Rows whose frame only one of the two has; ARP is told apart."""
        return [row for row in self.rows if None in row and any(seen and _is_arp(seen) for seen in row) == arp]

    def late(self) -> list[tuple[Seen, Seen]]:
        """Pairs whose times differ by more than is promised."""
        return [(real, twin) for real, twin in self.rows if real and twin and not near(real.time, twin.time)]

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


def _is_arp(seen: Seen) -> bool:
    return seen.kind.startswith("ARP")


def compare(folder: Path, name: str, situation: Situation, seed: int = 7) -> Comparison:
    """Replay the recording ``name`` of ``folder`` and compare.

    Raises:
        OSError, ValueError: the recording cannot be read.
    """
    truth = json.loads((folder / f"{name}.truth.json").read_text(encoding="utf-8"))
    real = read_capture((folder / f"{name}.pcapng").read_bytes())
    lab, twin = replay(situation, truth, real, seed)
    comparison = Comparison(name, situation, truth["desc"])
    comparison.rows = align(real, twin)
    comparison.calls = pair_calls(truth["events"], lab.outcomes)
    return comparison


def replay(situation: Situation, truth: dict[str, Any], real: list[Seen], seed: int) -> tuple[Lab, list[Seen]]:
    """Play a recording again until the real capture ended."""
    lab = Lab(situation, seed)
    events = truth["events"]
    connect = next((event for event in events if str(event["what"]).startswith("connect")), events[0])
    anchor = next((seen.time for seen in real if _is_arp(seen) and seen.time > 0 and seen.from_device), real[0].time)
    issued = connect["t"] - (connect.get("ms") or 0) / 1000
    first_at = anchor - (issued - events[0]["t"])
    lab.device.netif_up()
    if situation.also is not None:
        situation.also(lab)
    lab.tasks.start("app", lab.play(events, max(0.0, first_at)))
    end = max(real[-1].time, events[-1]["t"])
    lab.world.run(int((end * (1 + SHARE) + TICK_S) * SECOND))
    return lab, read_capture(lab.recorder.pcapng())


def align(real: list[Seen], twin: list[Seen]) -> list[tuple[Seen | None, Seen | None]]:
    """Pair frames in order; ARP and everything else apart, so that the clockwork of one cannot hide the other's.

    What the twin sends after the recording stopped is not compared.
    """
    rows: list[tuple[Seen | None, Seen | None]] = []
    for arp in (False, True):
        left = [seen for seen in real if _is_arp(seen) == arp]
        right = [seen for seen in twin if _is_arp(seen) == arp]
        matcher = difflib.SequenceMatcher(
            None, [seen.shape for seen in left], [seen.shape for seen in right], autojunk=False
        )
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag == "equal":
                rows += zip(left[a:b], right[c:d], strict=True)
            else:
                rows += [(seen, None) for seen in left[a:b]]
                tail = b == len(left)
                rows += [(None, seen) for seen in right[c:d] if not (tail and seen.time > real[-1].time - TICK_S)]
    rows.sort(key=lambda row: (row[0] or row[1]).time if row[0] or row[1] else 0.0)  # type: ignore[union-attr]
    return rows


def pair_calls(events: list[dict[str, Any]], outcomes: list[Outcome]) -> list[tuple[dict[str, Any], Outcome | None]]:
    """Recorded calls beside replayed ones, in order."""
    made = iter(outcomes)
    pairs: list[tuple[dict[str, Any], Outcome | None]] = []
    following = next(made, None)
    for event in events:
        if event.get("err") is None or following is None:
            if event.get("err") is not None:
                pairs.append((event, None))
            continue
        if following.what == event["what"]:
            pairs.append((event, following))
            following = next(made, None)
        else:
            pairs.append((event, None))
    return pairs
