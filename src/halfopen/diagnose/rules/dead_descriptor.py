"""HO104: the application keeps using a descriptor whose connection is gone."""

from __future__ import annotations

from collections.abc import Iterator

from halfopen.diagnose.events import (
    CallFailed,
    Connected,
    ConnectFailed,
    Event,
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
_LOOP_S = 1.0
#: Failures further apart than this are separate stories: nobody spins that slowly.
_APART_S = 120.0


def dead_descriptor(timeline: Timeline) -> Iterator[Finding]:
    """ENOTCONN, EBADF or ECONNRESET again and again on one descriptor, without a new socket between."""
    for run in _runs(timeline):
        last = run[-1]
        assert isinstance(last, (CallFailed, ConnectFailed))
        span = last.at.since(run[0].at)
        retries = isinstance(last, ConnectFailed)
        if len(run) < (_RETRIES_MIN if retries or (span or 0.0) >= _LOOP_S else _REPEATS_MIN):
            continue
        fd = f" on fd {last.fd}" if last.fd is not None else ""
        what = "connect() was tried again" if retries else "the same descriptor was used again"
        summary = f"{what}{fd} {len(run)} times after its connection was gone ({spelled(last.errno)}), without a new socket."
        yield prove(timeline, "HO104", summary, spread(run, 4), confidence=0.9)
        return


def _runs(timeline: Timeline) -> Iterator[list[Event]]:
    """Runs of calls that failed because the descriptor was finished."""
    run: list[Event] = []
    fd: int | None = None
    for event in timeline.of(
        CallFailed, ConnectFailed, Connected, ServerConnected, SocketOpened, SocketClosed
    ):
        finished = isinstance(event, (CallFailed, ConnectFailed)) and event.errno in _FINISHED
        if isinstance(event, ConnectFailed) and event.errno == 104:
            finished = False  # a refused connection, not a dead one
        apart = event.at.since(run[-1].at) if run else None
        if not finished or (run and (getattr(event, "fd", None) != fd or (apart or 0.0) > _APART_S)):
            if len(run) > 1:
                yield run
            run = []
        if finished:
            run.append(event)
            fd = getattr(event, "fd", None)
    if len(run) > 1:
        yield run
