"""Which fault follows from which: the root first, its consequences behind it, each naming its cause."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from halfopen.findings import SEVERITIES, Finding


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """Rows of a cause and its effects; a row that begins with blanks continues the one above."""
    rows: dict[str, tuple[str, ...]] = {}
    cause = ""
    for line in inspect.cleandoc(text).splitlines():
        words = line.split()
        if not line.startswith(" "):
            cause, *words = words
        rows[cause] = (*rows.get(cause, ()), *words)
    return rows


#: cause → faults that follow from it and vanish with its cure. They are told as info.
_ABSORBED = _table(
    """
    brownout                crashed device-rebooted half-open beacon-lost auth-expired peer-unreachable
    leaked-sockets          heap-leak heap-exhausted sessions-exhausted stalled-transmit no-keepalive lingering-connections reconnect-storm
    sessions-exhausted      heap-leak blocked-call stalled-transmit heap-exhausted reconnect-storm
    lingering-connections   heap-leak heap-exhausted stalled-transmit no-keepalive reconnect-storm
    heap-leak               heap-exhausted heap-fragmented tls-memory crashed device-rebooted stalled-transmit
                            ap-not-found beacon-lost auth-expired reconnect-storm kicked-by-ap dns-failed peer-unreachable
    heap-fragmented         heap-exhausted crashed device-rebooted peer-unreachable
    heap-exhausted          crashed device-rebooted peer-unreachable dns-failed reconnect-storm
    tls-memory              peer-unreachable reconnect-storm
    blocked-call            device-rebooted crashed
    zero-window             stalled-transmit no-keepalive
    half-open               stalled-transmit no-keepalive peer-restarted
    ap-restarted            auth-expired assoc-expired beacon-lost kicked-by-ap class3-rejected ap-not-found
                            half-open radio-dropout reconnect-storm
    weak-signal             auth-expired assoc-expired ap-not-found reconnect-storm dns-failed peer-unreachable
                            radio-dropout
    dozing-radio            auth-expired ap-not-found dns-failed reconnect-storm
    beacon-lost             auth-expired assoc-expired class3-rejected ap-not-found dns-failed peer-unreachable
                            half-open reconnect-storm device-rebooted kicked-by-ap radio-dropout
    radio-dropout           half-open dead-descriptor stalled-transmit
    auth-expired            dns-failed peer-unreachable reconnect-storm device-rebooted kicked-by-ap half-open
                            handshake-timeout ap-not-found
    assoc-expired           dns-failed peer-unreachable reconnect-storm device-rebooted kicked-by-ap half-open
                            class3-rejected
    kicked-by-ap            dns-failed peer-unreachable reconnect-storm device-rebooted auth-expired half-open
    class3-rejected         dns-failed peer-unreachable reconnect-storm half-open auth-expired
    wrong-credentials       handshake-timeout auth-expired reconnect-storm device-rebooted dns-failed peer-unreachable kicked-by-ap ap-not-found
    handshake-timeout       reconnect-storm device-rebooted dns-failed peer-unreachable kicked-by-ap auth-expired wrong-credentials
    ap-not-found            reconnect-storm device-rebooted dns-failed peer-unreachable
    association-denied      reconnect-storm device-rebooted dns-failed peer-unreachable auth-expired kicked-by-ap
    dhcp-failed             reconnect-storm device-rebooted dns-failed peer-unreachable kicked-by-ap
    dns-failed              reconnect-storm peer-unreachable device-rebooted
    peer-unreachable        reconnect-storm device-rebooted
    device-rebooted         half-open radio-dropout stalled-transmit peer-restarted
    crashed                 half-open
    """
)

#: cause → faults that follow from it but need a cure of their own. They keep their severity.
_LINKED = _table(
    """
    weak-signal             beacon-lost handshake-timeout stalled-transmit half-open blocked-call
    dozing-radio            beacon-lost half-open
    radio-dropout           leaked-sockets blocked-call peer-unreachable
    beacon-lost             handshake-timeout stalled-transmit blocked-call stale-status dead-descriptor
    kicked-by-ap            stale-status dead-descriptor
    auth-expired            stale-status blocked-call
    heap-fragmented         tls-memory
    tls-memory              heap-exhausted
    half-open               lingering-connections dead-descriptor
    zero-window             blocked-call
    peer-unreachable        dead-descriptor leaked-sockets
    crashed                 device-rebooted
    """
)

#: Faults told by a series that begins before anything is wrong.
_GRADUAL = frozenset(
    (
        "heap-leak",
        "heap-fragmented",
        "heap-exhausted",
        "stalled-transmit",
        "reconnect-storm",
        "no-keepalive",
        "half-open",
    )
)

#: Faults that build up long before the line or frame that proves them: a table is full at its last descriptor.
_BUILT_UP = frozenset(("leaked-sockets", "sessions-exhausted"))

#: Where two roots stand side by side, the one nearer to the hardware or holding more resources comes first.
_PRECEDENCE = tuple(
    """
    brownout leaked-sockets sessions-exhausted lingering-connections heap-leak heap-fragmented
    tls-memory heap-exhausted blocked-call dead-descriptor zero-window stale-status ap-restarted
    weak-signal dozing-radio beacon-lost wrong-credentials handshake-timeout association-denied
    assoc-expired auth-expired class3-rejected kicked-by-ap ap-not-found device-rebooted radio-dropout
    half-open stalled-transmit dhcp-failed dns-failed peer-unreachable peer-restarted no-keepalive
    reconnect-storm crashed
    """.split()  # noqa: SIM905  a list to read
)


def ranked(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """``found`` on one device with causes named: roots by what they bring about, consequences behind their root.

    A finding that only follows from another becomes ``info``; so does a crash beside a worse fault.
    """
    by_fault: dict[str, list[Finding]] = {}
    for finding in found:
        by_fault.setdefault(finding.fault, []).append(finding)
    causes: dict[str, tuple[Finding, bool]] = {}
    for effect in found:
        candidates = [
            (cause, absorbs)
            for table, absorbs in ((_ABSORBED, True), (_LINKED, False))
            for name, effects in table.items()
            for cause in (by_fault.get(name, ()) if effect.fault in effects else ())
            if _may_cause(cause, effect) and not _follows(cause, effect, causes)
        ]
        if candidates:
            nearest = min((cause for cause, _ in candidates), key=lambda cause: _remoteness(cause.fault))
            causes[effect.key] = nearest, any(absorbs for _, absorbs in candidates)
    told = [_told(finding, causes.get(finding.key)) for finding in found]
    crash = next(iter(by_fault.get("crashed", ())), None)
    if crash and any(
        f.severity != "info" and f.fault != "crashed" and f.caused_by != crash.key for f in told
    ):
        told = [replace(f, severity="info") if f.fault == "crashed" else f for f in told]
    roots = {f.key: _root(f, told) for f in told}
    weight = {
        key: min(SEVERITIES.index(f.severity) for f in told if roots[f.key] == key)
        for key in set(roots.values())
    }
    return tuple(
        sorted(
            told,
            key=lambda f: (
                weight[roots[f.key]],
                _PRECEDENCE.index(_fault_of(roots[f.key], told)),
                roots[f.key],
                f.key != roots[f.key],
                SEVERITIES.index(f.severity),
                _PRECEDENCE.index(f.fault),
                -f.confidence,
            ),
        )
    )


def _remoteness(cause: str) -> tuple[int, int]:
    """A fault with few effects explains them more closely than one with many."""
    reach = len(_ABSORBED.get(cause, ())) + len(_LINKED.get(cause, ()))
    return reach, _PRECEDENCE.index(cause)


def _told(finding: Finding, cause: tuple[Finding, bool] | None) -> Finding:
    if cause is None:
        return finding
    return replace(finding, caused_by=cause[0].key, severity="info" if cause[1] else finding.severity)


def _may_cause(cause: Finding, effect: Finding) -> bool:
    """A cause of mere info explains nothing, and what began after its effect did not bring it about."""
    if cause.severity == "info" and effect.severity != "info":
        return False
    if cause.fault in _BUILT_UP and effect.fault in _GRADUAL:
        return True  # both grew all the while, whichever line tells of it first
    begun = _places(cause, min)
    followed = _places(effect, max if effect.fault in _GRADUAL else min)
    shared = begun.keys() & followed.keys()
    return any(begun[source] <= followed[source] for source in shared) or not shared


def _places(finding: Finding, choose: Callable[[float, float], float]) -> dict[str, float]:
    """The first (``min``) or last (``max``) line of each log, and time of the captures, that a finding quotes: the
    captures of one ranking are on one clock."""
    places: dict[str, float] = {}
    for quote in finding.evidence:
        source, place = (quote.source, quote.line) if quote.line is not None else ("", quote.time)
        if place is not None:
            places[source] = choose(place, places.get(source, place))
    return places


def _follows(cause: Finding, effect: Finding, causes: dict[str, tuple[Finding, bool]]) -> bool:
    """Whether ``cause`` itself already follows from ``effect``: the tables name some pairs both ways."""
    seen: set[str] = set()
    at = cause
    while at.key in causes and at.key not in seen:
        seen.add(at.key)
        at = causes[at.key][0]
        if at.fault == effect.fault:
            return True
    return False


def _root(finding: Finding, told: Sequence[Finding]) -> str:
    by_key = {f.key: f for f in told}
    at = finding
    for _ in told:
        if at.caused_by is None or at.caused_by not in by_key:
            break
        at = by_key[at.caused_by]
    return at.key


def _fault_of(key: str, told: Sequence[Finding]) -> str:
    return next(f.fault for f in told if f.key == key)
