"""HO502: names cannot be resolved."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import Connected, DataReceived, ResolveFailed, ServerConnected
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.rules.recovery import recovery
from halfopen.diagnose.rules.wording import often
from halfopen.diagnose.timeline import Timeline
from halfopen.diagnose.traffic import LookupObserved
from halfopen.findings import Finding, Severity

#: Queries without an answer; a resolver repeats one or two as a matter of course.
_QUERIES_MIN = 3
#: Queries this close together are one question in parts (A and AAAA, two names), whose answers are still on their way.
_MUTE_S = 2.0


def dns_failed(timeline: Timeline) -> Iterator[Finding]:
    """getaddrinfo fails, or queries get no answer."""
    failed = list(timeline.of(ResolveFailed))
    mute = [q for q in timeline.of(LookupObserved) if q.asker_ip in timeline.device.ips and _mute(q)]
    refused = [
        q
        for q in timeline.of(LookupObserved)
        if q.asker_ip in timeline.device.ips and q.refused >= _QUERIES_MIN
    ]
    if not failed and not mute and not refused:
        return
    told: list[str] = []
    proof: list[Proof] = [*spread(failed)]
    verdict: Severity | None = None
    if failed:
        hosts = ", ".join(dict.fromkeys(e.host for e in failed if e.host))
        outcome = recovery(timeline, failed)
        codes = ", ".join(dict.fromkeys(str(e.code) for e in failed if e.code is not None))
        named = f" for {hosts}" if hosts else ""
        numbered = f" (getaddrinfo {codes}: a lookup code, neither errno nor a Wi-Fi reason)" if codes else ""
        times = f" {often(len(failed))}" if outcome is not None else ""
        told.append(f"name resolution failed{named}{times}{numbered}")
        good = (Connected, ServerConnected, DataReceived)
        if outcome is not None:
            told.append(outcome.text)
            verdict = outcome.severity
        elif len({e.where.line for e in failed}) <= 2 and any(
            isinstance(e, good) for e in timeline.between(failed[-1])
        ):
            verdict = "info"
    for query in (mute or refused)[:1]:
        count, what = (query.mute_count, "no answer") if mute else (query.refused, "a refusal")
        told.append(f"{count} DNS queries to {query.server_ip} got {what}")
        proof += [(query, ref) for ref in (query.mute if mute else query.frames)[:3]]
        verdict = None
    yield prove(timeline, "HO502", "; ".join(told) + ".", proof, confidence=0.9, severity=verdict)


def _mute(query: LookupObserved) -> bool:
    """A stretch of queries without an answer, long enough that none can be on its way."""
    return query.mute_count >= _QUERIES_MIN and query.mute[-1].time - query.mute[0].time >= _MUTE_S
