"""What many devices suffer at one moment is the fault of what they share, and is said once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from halfopen import findings
from halfopen.findings import Evidence, Finding

#: So many devices at once are no coincidence.
_DEVICES_MIN = 3
#: Devices notice the loss of their access point within their own beacon or ping timeouts of each other; in the
#: recordings of hostapd all stations fell within a second (FACTS: broadcast deauthentication, beacon loss).
_TOGETHER_S = 10.0
#: On the air the moment itself is seen, not when each noticed it, and at least half of the stations must be concerned.
_ON_AIR_S = 2.0
#: Devices are back from a shared loss, or have failed of it in every way they can, after this.
_AFTERMATH_S = 90.0
#: Devices named in a summary; each also has a word of its own.
_NAMED_MAX = 8
#: How the loss of the access point looks from one device.
_LOSSES = frozenset(
    (
        "half-open",
        "beacon-lost",
        "auth-expired",
        "kicked-by-ap",
        "class3-rejected",
        "radio-dropout",
        "ap-not-found",
        "peer-unreachable",
    )
)


def shared_fate(
    found: Sequence[Finding], cells: Mapping[str, Collection[str]] | None = None
) -> tuple[Finding, ...]:
    """``found`` over all devices, with what they share said once: the restart of one access point that many saw, and
    losses that came together, which only a restart of what they share explains.

    ``cells`` names the access points that each device was heard with: devices with none in common share nothing. Only
    times of one source are compared: two logs have two clocks.
    """
    told = _one_restart_each(tuple(found))
    explained = {f.key for f in told if f.fault == "ap-restarted" and f.severity != "info"}
    first: dict[tuple[str, str], dict[str, tuple[Evidence, Finding]]] = {}
    for finding in told:
        if finding.fault not in _LOSSES or finding.caused_by in explained:
            continue
        for quote in finding.evidence:
            if quote.time is None:
                continue
            for cell in (cells or {}).get(finding.device, ()) or ("",):
                devices = first.setdefault((quote.source, cell), {})
                held = devices.get(finding.device)
                if held is None or quote.time < (held[0].time or 0.0):
                    devices[finding.device] = (quote, finding)
    for (source, cell), devices in first.items():
        crowd = sum(cell in aps for aps in (cells or {}).values()) if cell else 0
        span = _ON_AIR_S if cell else _TOGETHER_S
        together = _largest_burst(sorted(devices.values(), key=lambda pair: pair[0].time or 0.0), span)
        if len(together) >= max(_DEVICES_MIN, crowd / 2):
            told = _explained(told, source, together)
    return told


def _one_restart_each(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Each restart of an access point once, for all stations that saw it; with each of them a word remains, so that
    no device is left without its cause."""
    seen: dict[tuple[str, int | None, int | None], list[Finding]] = {}
    for finding in found:
        if finding.fault == "ap-restarted":
            quote = finding.evidence[0]
            seen.setdefault((quote.source, quote.line, quote.frame), []).append(finding)
    for shared in seen.values():
        if len(shared) < 2:
            continue
        devices = [finding.device for finding in shared]
        cause = replace(
            shared[0],
            key=f"{shared[0].code}/{'+'.join(devices[:3])}/{len(devices)}/{shared[0].evidence[0].frame or 0}",
            summary=f"{shared[0].summary} It took {len(devices)} stations along: {_listed(devices)}.",
        )
        renamed = {finding.key: cause.key for finding in shared}
        found = (
            cause,
            *(
                replace(
                    f,
                    severity="info",
                    caused_by=cause.key,
                    summary="lost with its access point, which restarted.",
                    evidence=f.evidence[:1],
                )
                if f.key in renamed
                else replace(f, caused_by=renamed.get(f.caused_by or "", f.caused_by))
                for f in found
                if f is not shared[0]
            ),
        )
    return found


def _listed(devices: Sequence[str]) -> str:
    more = len(devices) - _NAMED_MAX
    return ", ".join(devices[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def _largest_burst(losses: list[tuple[Evidence, Finding]], span_s: float) -> list[tuple[Evidence, Finding]]:
    """The most losses that lie within ``span_s`` of the first of them."""
    best: list[tuple[Evidence, Finding]] = []
    for position, (quote, _) in enumerate(losses):
        burst = [pair for pair in losses[position:] if (pair[0].time or 0.0) - (quote.time or 0.0) <= span_s]
        best = max(best, burst, key=len)
    return best


def _explained(
    found: tuple[Finding, ...], source: str, together: list[tuple[Evidence, Finding]]
) -> tuple[Finding, ...]:
    entry = findings.fault("HO412")
    devices = [finding.device for _, finding in together]
    span = (together[-1][0].time or 0.0) - (together[0][0].time or 0.0)
    cause = Finding(
        code=entry.code,
        fault=entry.fault,
        severity=entry.severity,
        confidence=0.8,
        key=f"{entry.code}/{'+'.join(devices[:3])}/{len(devices)}",
        device=devices[0],
        summary=f"{len(devices)} devices were lost within {span:.1f} s of each other ({_listed(devices)}):"
        " what they share failed, the access point or its uplink.",
        evidence=tuple(quote for quote, _ in together[:6]),
        remedy=entry.remedy,
    )
    begun, ended = together[0][0].time or 0.0, (together[-1][0].time or 0.0) + _AFTERMATH_S
    rest = [
        replace(f, severity="info", caused_by=cause.key)
        if f.device in devices and f.fault in _LOSSES and _within(f, source, begun, ended)
        else f
        for f in found
        if not (f.code == entry.code and f.device in devices)
    ]
    return (cause, *rest)


def _within(finding: Finding, source: str, begun: float, ended: float) -> bool:
    """Whether all that proves a finding lies between two moments of a source: what came later has a cause of its own."""
    times = [quote.time for quote in finding.evidence if quote.source == source and quote.time is not None]
    return bool(times) and begun <= min(times) and max(times) <= ended
