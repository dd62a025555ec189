"""The rules: one fault per file, pure functions from a timeline to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from halfopen.diagnose.rules.ap_not_found import ap_not_found
from halfopen.diagnose.rules.ap_restarted import ap_restarted
from halfopen.diagnose.rules.assoc_expired import assoc_expired
from halfopen.diagnose.rules.association_denied import association_denied
from halfopen.diagnose.rules.auth_expired import auth_expired
from halfopen.diagnose.rules.beacon_lost import beacon_lost
from halfopen.diagnose.rules.blocked_call import blocked_call
from halfopen.diagnose.rules.brownout import brownout
from halfopen.diagnose.rules.causality import ranked
from halfopen.diagnose.rules.class3_rejected import class3_rejected
from halfopen.diagnose.rules.crashed import crashed
from halfopen.diagnose.rules.dead_descriptor import dead_descriptor
from halfopen.diagnose.rules.device_rebooted import device_rebooted
from halfopen.diagnose.rules.dhcp_failed import dhcp_failed
from halfopen.diagnose.rules.dns_failed import dns_failed
from halfopen.diagnose.rules.doubts import doubts
from halfopen.diagnose.rules.dozing_radio import dozing_radio
from halfopen.diagnose.rules.half_open import half_open
from halfopen.diagnose.rules.handshake_timeout import handshake_timeout
from halfopen.diagnose.rules.heap_exhausted import heap_exhausted
from halfopen.diagnose.rules.heap_fragmented import heap_fragmented
from halfopen.diagnose.rules.heap_leak import heap_leak
from halfopen.diagnose.rules.kicked_by_ap import kicked_by_ap
from halfopen.diagnose.rules.leaked_sockets import leaked_sockets
from halfopen.diagnose.rules.lingering_connections import lingering_connections
from halfopen.diagnose.rules.no_keepalive import no_keepalive
from halfopen.diagnose.rules.peer_restarted import peer_restarted
from halfopen.diagnose.rules.peer_unreachable import peer_unreachable
from halfopen.diagnose.rules.radio_dropout import radio_dropout
from halfopen.diagnose.rules.reconnect_storm import reconnect_storm
from halfopen.diagnose.rules.sessions_exhausted import sessions_exhausted
from halfopen.diagnose.rules.stale_status import stale_status
from halfopen.diagnose.rules.stalled_transmit import stalled_transmit
from halfopen.diagnose.rules.tls_memory import tls_memory
from halfopen.diagnose.rules.weak_signal import weak_signal
from halfopen.diagnose.rules.wrong_credentials import wrong_credentials
from halfopen.diagnose.rules.zero_window import zero_window
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import SEVERITIES, Finding, Undecided

Rule = Callable[[Timeline], Iterator[Finding]]

#: Every rule by the code of its catalogue entry.
RULES: dict[str, Rule] = {
    "HO101": leaked_sockets,
    "HO102": sessions_exhausted,
    "HO103": lingering_connections,
    "HO104": dead_descriptor,
    "HO201": half_open,
    "HO202": no_keepalive,
    "HO203": stalled_transmit,
    "HO204": zero_window,
    "HO205": device_rebooted,
    "HO206": peer_unreachable,
    "HO207": reconnect_storm,
    "HO208": peer_restarted,
    "HO301": blocked_call,
    "HO401": auth_expired,
    "HO402": assoc_expired,
    "HO403": kicked_by_ap,
    "HO404": class3_rejected,
    "HO405": beacon_lost,
    "HO406": dozing_radio,
    "HO407": weak_signal,
    "HO408": wrong_credentials,
    "HO409": handshake_timeout,
    "HO410": ap_not_found,
    "HO411": association_denied,
    "HO412": ap_restarted,
    "HO413": radio_dropout,
    "HO414": stale_status,
    "HO501": dhcp_failed,
    "HO502": dns_failed,
    "HO601": heap_leak,
    "HO602": heap_fragmented,
    "HO603": heap_exhausted,
    "HO604": tls_memory,
    "HO701": brownout,
    "HO702": crashed,
}
#: Faults of the association but the dropout, of memory and of programs: a capture of the wire alone shows none of them.
OFF_THE_WIRE = {code for code in RULES if code.startswith(("HO4", "HO6", "HO7"))} - {"HO413"} | {"HO104"}


def judge(timeline: Timeline) -> tuple[tuple[Finding, ...], tuple[Undecided, ...]]:
    """All findings on one device, ranked by cause, and what remains undecided."""
    found = [ranked(_findings(timeline))]
    for number, part in enumerate(timeline.apart, 2):
        # no common clock: nothing says that what two of them show is one fault, or which came first
        found.append(tuple(_apart(finding, number) for finding in ranked(_findings(part))))
    found.sort(key=lambda part: min((SEVERITIES.index(f.severity) for f in part), default=len(SEVERITIES)))
    told = tuple(finding for part in found for finding in part)
    return told, tuple(doubts(timeline, told))


def _findings(timeline: Timeline) -> list[Finding]:
    unasked = OFF_THE_WIRE if timeline.only_wired else frozenset()
    return [finding for code, rule in RULES.items() if code not in unasked for finding in rule(timeline)]


def _apart(finding: Finding, number: int) -> Finding:
    """A finding from the captures on the ``number``-th clock, told apart from its like on the first."""
    cause = finding.caused_by and f"{finding.caused_by}/clock-{number}"
    return replace(finding, key=f"{finding.key}/clock-{number}", caused_by=cause)
