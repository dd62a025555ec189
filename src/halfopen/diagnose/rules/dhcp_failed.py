"""HO501: associated, but no address."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import (
    AddressGot,
    Booted,
    DhcpTimedOut,
    Event,
    JoinTimedOut,
    LeaseGiven,
    LinkStateChanged,
    StationJoined,
    WifiDropped,
    WifiJoined,
)
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.rules.recovery import recovery
from halfopen.diagnose.rules.wording import counted, duration
from halfopen.diagnose.timeline import Timeline
from halfopen.diagnose.traffic import LeaseObserved
from halfopen.findings import Finding, Severity

#: The same lease handed out so often without a new join: the answer never arrives.
_LEASES_MIN = 4
#: DISCOVERs without an OFFER; lwIP sends them 2, 4, 8 … s apart.
_DISCOVERS_MIN = 3
#: A DHCP server answers in milliseconds, one that pings the address first within a second or two.
_OFFER_S = 3.0
#: What programs print for an address that they do not have.
_NO_ADDRESS = " 0.0.0.0"


def dhcp_failed(timeline: Timeline) -> Iterator[Finding]:
    """No lease on the station, a lease that never arrives from the soft AP, DISCOVERs nobody answers."""
    expired = list(timeline.of(DhcpTimedOut))
    outcome = recovery(timeline, expired)
    if outcome is not None:
        summary = (
            f"joined, {counted(len(expired), 'wait')} for an address ended without a lease; {outcome.text}."
        )
        yield prove(timeline, "HO501", summary, spread(expired), confidence=0.9, severity=outcome.severity)
        return
    for reader in (_said, _joined_without_address, _soft_ap, _captured, _came_late):
        proof, summary, confidence = reader(timeline)
        if proof:
            passing = reader is _came_late and not _restarted_for_it(timeline, expired[-1])
            severity: Severity | None = "info" if passing else None
            yield prove(timeline, "HO501", summary, proof, confidence=confidence, severity=severity)
            return


def _said(timeline: Timeline) -> tuple[list[Proof], str, float]:
    failed = list(timeline.of(DhcpTimedOut))
    if not failed or any(isinstance(e, AddressGot) for e in timeline.between(failed[-1])):
        return [], "", 0.0
    joined = timeline.recent(failed[0], WifiJoined)
    if not joined and timeline.drops and all(e.where.text.endswith(_NO_ADDRESS) for e in failed):
        return [], "", 0.0  # it prints the address of a station that never got in
    return [*spread(failed), *joined], "the station is associated and no DHCP server gave it an address.", 0.9


def _came_late(timeline: Timeline) -> tuple[list[Proof], str, float]:
    """Waits for a lease that ran out before one came at last."""
    failed = list(timeline.of(DhcpTimedOut))
    if not failed:
        return [], "", 0.0
    summary = f"{counted(len(failed), 'wait')} for an address ended without a lease before one came."
    return [*spread(failed)], summary, 0.85


def _restarted_for_it(timeline: Timeline, failed: Event) -> bool:
    """Whether the device restarted before it had the address that came after ``failed``."""
    follower = timeline.next_of(failed, Booted, AddressGot)
    return isinstance(follower, Booted)


def _joined_without_address(timeline: Timeline) -> tuple[list[Proof], str, float]:
    """Joins that each ended without an address, on a device that tried more than once."""
    joins = list(timeline.of(WifiJoined))
    if len(joins) < 2 or any(timeline.of(AddressGot)):
        return [], "", 0.0
    waits: list[float] = []
    for join in joins:
        end = timeline.next_of(join, LinkStateChanged, WifiDropped, JoinTimedOut)
        waited = end.at.since(join.at) if end is not None and _gave_up(end) else None
        if waited is not None and waited >= 5.0:
            waits.append(waited)
    if len(waits) < 2:
        return [], "", 0.0
    return (
        [*spread(joins)],
        f"the station joined {len(joins)} times and waited up to {duration(max(waits))} each time without getting an address.",
        0.75,
    )


def _gave_up(end: Event) -> bool:
    """The station itself left: the firmware had waited long enough (its own leave is reason 8, or state code 0)."""
    if isinstance(end, JoinTimedOut):
        return True
    return (
        end.code == 0
        if isinstance(end, LinkStateChanged)
        else isinstance(end, WifiDropped) and end.reason == 8
    )


def _soft_ap(timeline: Timeline) -> tuple[list[Proof], str, float]:
    run: list[Event] = []
    for event in timeline.of(LeaseGiven, StationJoined):
        if isinstance(event, LeaseGiven) and (not run or event.ip == run[-1].ip):  # type: ignore[attr-defined]
            run.append(event)
            if len(run) >= _LEASES_MIN:
                continue
        elif len(run) < _LEASES_MIN:
            run = [event] if isinstance(event, LeaseGiven) else []
    if len(run) < _LEASES_MIN:
        return [], "", 0.0
    assert isinstance(run[0], LeaseGiven)
    return (
        [*spread(run)],
        f"the soft AP gave {run[0].ip} to the same station {len(run)} times without a new join: the station never gets the answer.",
        0.8,
    )


def _captured(timeline: Timeline) -> tuple[list[Proof], str, float]:
    for lease in timeline.of(LeaseObserved):
        if lease.mac != timeline.device.mac:
            continue
        mute = [ref for n, ref in enumerate(lease.discovers) if not _offered(lease, n)]
        if len(mute) < _DISCOVERS_MIN:
            continue
        proof: list[Proof] = [(lease, ref) for ref in mute[:4]]
        later = ", then one came" if lease.offers else ""
        return proof, f"{len(mute)} DHCP DISCOVERs got no OFFER{later}.", 0.95
    return [], "", 0.0


def _offered(lease: LeaseObserved, number: int) -> bool:
    """Whether an OFFER came before the client asked again, or within the time it waits for one."""
    asked = lease.discovers[number].time
    again = lease.discovers[number + 1].time if number + 1 < len(lease.discovers) else asked + _OFFER_S
    return any(asked <= offer.time <= max(again, asked + _OFFER_S) for offer in lease.offers)
