"""HO104: the application keeps using a descriptor whose connection is gone."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import (
    CallFailed,
    Connected,
    ConnectFailed,
    Event,
    PeerClosed,
    ServerConnected,
    SocketClosed,
    SocketOpened,
)
from halfopen.diagnose.rules.proof import prove, spread
from halfopen.diagnose.timeline import Timeline
from halfopen.findings import Finding
from halfopen.formats.newlib_errno import spelled

#: ENOTCONN, EBADF and ECONNRESET: the descriptor is finished, no later call on it can succeed.
_FINISHED = (128, 9, 104)
#: One more recv() and send() after an error is a cautious clean-up; a loop is not.
_REPEATS_MIN = 5
_RETRIES_MIN = 3
#: After the peer's FIN one send may succeed and the next says ECONNRESET (FACTS): two errors are one too many.
_AFTER_FIN_MIN = 2
#: connect() says ENOTCONN on a descriptor whose first attempt failed, and on no other (FACTS).
_AFTER_FAILURE_MIN = 2
_LOOP_S = 1.0
#: Failures further apart than this are separate stories: nobody spins that slowly.
_APART_S = 120.0

#: What begins, ends or goes on with a descriptor.
_TELLING = (CallFailed, ConnectFailed, Connected, ServerConnected, SocketOpened, SocketClosed, PeerClosed)


def dead_descriptor(timeline: Timeline) -> Iterator[Finding]:
    """ENOTCONN, EBADF or ECONNRESET again and again on one descriptor, without a new socket between."""
    for run, farewell in _runs(timeline):
        last = run[-1]
        assert isinstance(last, (CallFailed, ConnectFailed))
        span = last.at.since(run[0].at)
        retries = isinstance(last, ConnectFailed)
        enough = _RETRIES_MIN if retries or (span or 0.0) >= _LOOP_S else _REPEATS_MIN
        if retries and isinstance(timeline.last_of(run[0], *_TELLING), ConnectFailed):
            enough = _AFTER_FAILURE_MIN
        if len(run) < (_AFTER_FIN_MIN if farewell else enough):
            continue
        fd = f" on fd {last.fd}" if last.fd is not None else ""
        what = "connect() was tried again" if retries else "the same descriptor was used again"
        gone = "the peer had closed it" if farewell else "its connection was gone"
        summary = f"{what}{fd} {len(run)} times after {gone} ({spelled(last.errno)}), without a new socket."
        proof = [*spread(run, 4), *([farewell] if farewell else [])]
        yield prove(timeline, "HO104", summary, proof, confidence=0.9)
        return


def _runs(timeline: Timeline) -> Iterator[tuple[list[Event], PeerClosed | None]]:
    """Runs of calls that failed because the descriptor was finished, with the peer's close before them if any."""
    run: list[Event] = []
    farewell: PeerClosed | None = None
    for event in timeline.of(*_TELLING):
        finished = isinstance(event, (CallFailed, ConnectFailed)) and event.errno in _FINISHED
        if isinstance(event, ConnectFailed) and event.errno == 104:
            finished = False  # a refused connection, not a dead one
        if not finished or (run and not _continues(run[-1], event)):
            if len(run) > 1:
                yield run, farewell
            run = []
            farewell = event if isinstance(event, PeerClosed) else None
        if finished:
            run.append(event)
    if len(run) > 1:
        yield run, farewell


def _continues(earlier: Event, later: Event) -> bool:
    """Whether ``later`` is the same spin on the same descriptor."""
    apart = later.at.since(earlier.at) or 0.0
    return getattr(later, "fd", None) == getattr(earlier, "fd", None) and apart <= _APART_S
