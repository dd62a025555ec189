"""What many devices suffer at one moment is the fault of what they share, and is said once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from halfopen import findings
from halfopen.findings import Evidence, Finding

#: So many devices at once are no coincidence.
_DEVICES_MIN = 3
#: Devices notice the loss of their access point within their own beacon or ping timeouts of each other; in the
#: recordings of hostapd all stations fell within a second (FACTS: broadcast deauthentication, beacon loss).
_TOGETHER_S = 10.0
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


def shared_fate(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """``found`` over all devices, with losses that came together explained by one restart of what they share.

    Only times of one source are compared: two logs have two clocks.
    """
    first: dict[str, dict[str, tuple[Evidence, Finding]]] = {}
    for finding in found:
        if finding.fault not in _LOSSES:
            continue
        for quote in finding.evidence:
            if quote.time is None:
                continue
            devices = first.setdefault(quote.source, {})
            if finding.device not in devices or quote.time < (devices[finding.device][0].time or 0.0):
                devices[finding.device] = (quote, finding)
    told = tuple(found)
    for source, devices in first.items():
        together = _largest_burst(sorted(devices.values(), key=lambda pair: pair[0].time or 0.0))
        if len(together) >= _DEVICES_MIN:
            told = _explained(told, source, together)
    return told


def _largest_burst(losses: list[tuple[Evidence, Finding]]) -> list[tuple[Evidence, Finding]]:
    """The most losses that lie within ``_TOGETHER_S`` of the first of them."""
    best: list[tuple[Evidence, Finding]] = []
    for position, (quote, _) in enumerate(losses):
        burst = [
            pair for pair in losses[position:] if (pair[0].time or 0.0) - (quote.time or 0.0) <= _TOGETHER_S
        ]
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
        summary=f"{len(devices)} devices were lost within {span:.1f} s of each other ({', '.join(devices)}):"
        " what they share failed, the access point or its uplink.",
        evidence=tuple(quote for quote, _ in together[:6]),
        remedy=entry.remedy,
    )
    lost = {finding.key for _, finding in together}
    rest = [
        replace(f, severity="info", caused_by=cause.key)
        if f.key in lost or (f.device in devices and f.fault in _LOSSES)
        else f
        for f in found
        if not (f.code == entry.code and f.device in devices)
    ]
    return (cause, *rest)
