"""docs/internals/accuracy.md: the figures of ``score_diagnose.py`` as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from what_is_shown import UNSHOWN

from halfopen.findings import fault

_WITNESSES = ("log", "capture", "both", "sniffer")
_NAMED = ("told", "follows", "passed")
_MISSES_MAX = 40

_HEAD = """# How often diagnose is right

{cases} scenarios with one fault, drawn from seeds evenly over {codes} codes, and {healthy} healthy ones, played in the twin and
given to `diagnose`: the log alone, the capture alone (for faults of Wi-Fi that of the air), both, and a sniffer alone that
misses two frames in a hundred. The truth is the scenario's own code, where the twin's truth says that the fault came about. The
twin and diagnose share nothing but `formats`. `make accuracy` plays it again and writes this page.

| from | named, of what it can show | named, of all | said to be undecided | first | strays | silent when healthy |
|---|---|---|---|---|---|---|
"""

_COUNTED = """
- *named*: the code is among the findings about that device as an error or a warning, or as info where the catalogue says so
  (HO208, HO702); or as info that names its cause; or as info about an episode after which, in truth, the device worked again.
- *of what it can show*: without the cases in which a witness cannot show the fault at all (below).
- *first*: the first finding is the truth, or the truth is told as following from it.
- *strays*: cases with an error or warning that is neither the truth, nor true beside it by the making of the scenario, nor told
  as cause or effect of the truth.
- *silent when healthy*: no error and no warning. Among the healthy are stations that doze, roam and sleep, servers with
  visitors, programs with and without keepalive, a path that loses a packet in a hundred now and then.

What these figures do not tell: the scenarios know what the twin knows. On recordings of real stacks, radios and devices diagnose
is measured by the tests (`tests/recordings`), and there is no figure here that stands for the field.

## Per code

Named of what can be shown; in brackets how many of these are told as info (*f* following from another finding, *p* an episode
that the device got over). – where the witness cannot show it.

| code | fault | cases | log | capture | both | sniffer |
|---|---|---|---|---|---|---|
"""


def page(
    cases: Sequence[Any], lines: Iterable[tuple[str, Any]], wrong: Iterable[tuple[str, str, Any]]
) -> str:
    """The page about ``cases`` (of ``score_diagnose``); ``lines`` are the figures of each witness, ``wrong`` what went wrong."""
    shown = [case for case in cases if case.seed is not None]
    ill = [case for case in shown if case.code != "healthy"]
    codes = list(dict.fromkeys(case.code for case in ill))
    text = _HEAD.format(cases=len(ill), codes=len(codes), healthy=len(shown) - len(ill))
    for witness, f in lines:
        text += (
            f"| {witness} | {_share(f.named, f.able)} | {_share(f.named_of_all, f.all)} | {f.undecided} | {_share(f.leads, f.able)}"
            f" | {f.strays} | {_share(f.silent, f.well)} |\n"
        )
    text += _COUNTED
    for code in sorted(codes):
        mine = [case for case in ill if case.code == code]
        cells = " | ".join(_cell(mine, witness) for witness in _WITNESSES)
        text += f"| [{code}](../faults/{code}.md) | {fault(code).fault} | {len(mine)} | {cells} |\n"
    text += "\n## What a witness cannot show\n\n" + "".join(f"- {line}\n" for line in _unshown())
    text += "\n## What went wrong\n\n"
    told = [f"- {case.code} {witness}: {what}. `{case.command}`\n" for witness, what, case in wrong]
    text += "".join(told[:_MISSES_MAX]) or "Nothing.\n"
    if len(told) > _MISSES_MAX:
        text += f"- and {len(told) - _MISSES_MAX} more\n"
    return text + _WHY


_WHY = """
### Why, and why it stays so

- HO205 from a capture: that a device restarted shows in its ports, which lwIP counts on from a random one at each boot. About one
  boot in 250 begins so close to where the last one was that it looks as if it had counted on.
- HO412 beside a log is told, but not always first: the station lost the beacons, as its log says; that the access point began anew
  is on the air, and where nothing aligns the two clocks neither is said to follow from the other.
- HO413 from a sniffer: who misses the station's join does not know with whom it lives, and judges nothing.
- HO601 from a log that begins with another fault, HO207 from a capture of a device whose heap is gone: what is on the wire is true,
  its cause is not on the wire.
"""


def _cell(cases: Sequence[Any], witness: str) -> str:
    said = [heard for case in cases if (heard := case.by(witness)) is not None]
    able = [heard for heard in said if not heard.unshown]
    if not able:
        return "–" if said else ""
    how = Counter(heard.how for heard in able)
    named = sum(how[kind] for kind in _NAMED)
    info = [f"{how[kind]} {kind[0]}" for kind in ("follows", "passed") if how[kind]]
    return f"{named}/{len(able)}" + (f" ({', '.join(info)})" if info else "")


def _unshown() -> Iterator[str]:
    for code, by_witness in UNSHOWN.items():
        reasons: dict[str, list[str]] = {}
        for witness, entry in by_witness.items():
            sometimes = ", in some scenarios" if entry.when is not None else ""
            reasons.setdefault(entry.why + sometimes, []).append(witness)
        for why, witnesses in reasons.items():
            yield f"{code} ({fault(code).fault}) from a {' or a '.join(witnesses)}: {why}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % of {whole}" if whole else "–"
