"""HO604: a TLS handshake does not fit into the heap."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import TlsFailed
from halfopen.diagnose.rules.proof import Proof, prove, spread
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding


def tls_memory(timeline: Timeline) -> Iterator[Finding]:
    """An mbedTLS code that means: allocation failed."""
    failures = [e for e in timeline.of(TlsFailed) if e.memory]
    if not failures:
        return
    codes = ", ".join(dict.fromkeys(f"-0x{-(e.code or 0):X}" for e in failures))
    near = [s for s in timeline.heap if timeline.position(s) < timeline.position(failures[-1])][-1:]
    left = f" with {near[0].free} bytes free" if near else ""
    summary = f"TLS could not allocate its buffers ({codes}){left}: a session takes about 38 KB, 16.7 KB of it in one block."
    proof: list[Proof] = [*spread(failures), *near]
    yield prove(timeline, "HO604", summary, proof, confidence=0.95)
