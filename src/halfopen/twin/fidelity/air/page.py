"""The part "On the air" of ``docs/internals/fidelity.md``."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.twin.fidelity.air.comparing import Row
from halfopen.twin.fidelity.air.replay import Played
from halfopen.twin.wifi.figures import ASSUMPTIONS

#: Rows of a table before its middle is left out, and how many stay at each end.
_WHOLE, _KEPT = 36, 15

_HEAD = """## On the air

Every recording in `tests/recordings/air` is hostapd 2.10 and wpa_supplicant 2.10 on mac80211_hwsim, frame by frame with
acknowledgements. The twin plays the same situation again with the settings of access point and station and the moments
of commands from its truth; the upper layers hand down what they handed down then. Compared is the story: every
management frame, handshake message, null frame and delivery of buffered frames in order, by whom, to whom, its reason
or status, acknowledged or not; every other data frame's acknowledgement; of the beacons interval, DTIM, gaps,
announcements of waiting frames. A time is the interval since its cause (the event before, or a command since) and is the
same within 5 % or one beacon (102.4 ms).

*Given* counts frames whose moment was put in, because a program took a time to start that is the lab's: the first
frame of each start of an access point or station. Put in is besides: the phase of the beacons; what hostapd drew for
its inactivity timers (whole seconds from 0 to 19, column *drawn*: its rule applied backwards to the recording); when
mac80211 missed the beacons, which it does in one recording only and at full seconds of its clock. Left out: Action frames
(block-ack agreements, SM power save), which the twin does not send; broadcasts of the LAN into a cell without a station,
bridges' frames, wpa_supplicant's empty keepalives; sequence numbers; data rates; one frame of s7_sta_reset that hwsim0
has and nobody heard. *Nearest to the limit* is the time that uses most of what it is allowed.

What this proves is the access point, the medium, power save and the record of it. The station of these replays is not the
twin's ESP32 but the lab's (`twin/fidelity/air/supplicant.py`): the ESP32's driver model with wpa_supplicant's habits between
two tries. Its constants are those of wpa_supplicant's source, and four delays of the lab's machine as measured in these
recordings: from the last probe of a scan to the authentication (64 ms; 140 ms in the first scan, where they show 49 to
233), 35 ms more before a retry, 55 ms before a return.

A test holds that diagnose finds the same codes with the same severities in the twin's capture of each situation as in
the recording, and that tshark finds nothing malformed.

"""


def page(played: list[Played]) -> str:
    """The whole part as Markdown."""
    lines = [_HEAD, *_summary(played), "", *_assumptions()]
    for one in played:
        lines += ["", *_situation(one)]
    return "\n".join(lines) + "\n"


def _summary(played: list[Played]) -> Iterator[str]:
    yield "| situation | holds | frames | given | nearest to the limit | drawn |"
    yield "|---|---|---|---|---|---|"
    for one in played:
        verdict, situation = one.verdict, one.situation
        worst = verdict.worst
        off = "–" if worst is None else f"{worst.off * 1000:.0f} of {worst.allowed * 1000:.0f} ms"
        drawn = ", ".join(f"{fuzz} s" for fuzz in situation.fuzz_s) or "–"
        count = len(verdict.differences)
        holds = "yes" if verdict.holds else f"**no**: {count} difference{'s' if count > 1 else ''}"
        yield (
            f"| [{one.name}](#{one.name}) {situation.title} | {holds} | {verdict.compared} | {verdict.given} | "
            f"{off} | {drawn} |"
        )


def _assumptions() -> Iterator[str]:
    yield "### What no recording proves"
    yield ""
    yield "The recorded station is Linux. What the ESP32's own driver does beyond its documentation, its logs and its Kconfig"
    yield "texts is assumed in the twin:"
    yield ""
    yield "| where | value | why |"
    yield "|---|---|---|"
    for one in ASSUMPTIONS:
        cells = (cell.replace("|", "\\|") for cell in (f"`{one.place}`", one.value, one.why))
        yield f"| {' | '.join(cells)} |"


def _situation(one: Played) -> Iterator[str]:
    yield f"### {one.name}"
    yield ""
    yield f"{one.truth[:1].upper()}{one.truth[1:]}."
    yield ""
    if one.verdict.differences:
        yield "Differences:"
        yield ""
        yield from (f"- {difference.words}" for difference in one.verdict.differences)
        yield ""
    yield "| recorded at | twin at | event |"
    yield "|---|---|---|"
    yield from _shortened([_line(row) for row in one.verdict.rows])


def _line(row: Row) -> str:
    told = row[0] or row[1]
    assert told is not None
    times = [f"{one.time:.3f}" if one else "–" for one in row]
    return f"| {times[0]} | {times[1]} | {told.text} |"


def _shortened(lines: list[str]) -> Iterator[str]:
    if len(lines) <= _WHOLE:
        yield from lines
        return
    yield from lines[:_KEPT]
    yield f"| … {len(lines) - 2 * _KEPT} more | | |"
    yield from lines[-_KEPT:]
