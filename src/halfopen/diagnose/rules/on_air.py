"""What rules say of farewells that a sniffer heard."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.diagnose.radio import FarewellSeen
from halfopen.diagnose.rules.proof import Proof
from halfopen.diagnose.rules.wording import often

#: Frames quoted per finding.
_FRAMES = 3


def heard(farewells: Sequence[FarewellSeen]) -> str:
    """``deauthenticated it twice on the air (frames acknowledged: 1 of 2)``."""
    kinds = dict.fromkeys("deauthenticated" if f.kind == "deauth" else "disassociated" for f in farewells)
    known = [f for f in farewells if f.acked is not None]
    acked = f", {sum(f.acked is True for f in known)} of {len(known)} acknowledged" if known else ""
    return f"{' and '.join(kinds)} it {often(len(farewells))} on the air{acked}"


def cited(farewells: Sequence[FarewellSeen]) -> list[Proof]:
    """The frames as proof."""
    return [(seen, seen.ref) for seen in farewells[:_FRAMES]]
