"""HO301: a thread waits in a call that nothing ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from halfopen.diagnose.events import (
    CallBlocked,
    CallFailed,
    CallStarted,
    ConnectFailed,
    ConnectStarted,
    CpuRan,
    DataReceived,
    DataSent,
    Event,
    HeapSampled,
    Interrupted,
    LogEnded,
    QueueSampled,
    ResolveFailed,
    ServerLost,
    SignalSampled,
    WatchdogFired,
    WifiStarted,
)
from halfopen.diagnose.rules.proof import Proof, frames, prove, spread
from halfopen.diagnose.rules.wording import duration, often
from halfopen.diagnose.timeline import Conversation, Timeline
from halfopen.diagnose.traffic import PingObserved
from halfopen.findings import Finding
from halfopen.formats.patterns import Pattern

#: A send() or recv() that took longer than this had no deadline worth the name.
_BLOCKED_S = 60.0
#: The last network call before a watchdog is its likely cause within this (the task watchdog's default is 5 s).
_BEFORE_WATCHDOG_S = 60.0
#: A client's request that was acknowledged and not answered within this.
_REPLY_S = 10.0
#: Requests that had their answer, from which one without is told from a device that only sends.
_ANSWERED_MIN = 3
#: An answer that takes so many times the longest one will not come.
_MANY_TIMES = 10
#: What other tasks print while one waits.
_BYSTANDERS = (HeapSampled, QueueSampled, SignalSampled, LogEnded)
#: Tasks that do everything, networking among it.
_ANY_LOOP = ("main", "looptask")
#: The lines of one watchdog report: the tasks and what each processor ran.
_REPORT_EVENTS = 8
#: What goes wrong just before a program hangs.
_ERRORS = (CallFailed, ConnectFailed, ResolveFailed, ServerLost)
#: Tasks that run network code in the usual firmwares.
_NETWORK_TASKS = (
    "httpd",
    "mqtt",
    "tcp",
    "tit",
    "net",
    "looptask",
    "main",
    "async",
    "ota",
    "http",
    "ws",
    "tls",
    "sock",
)

#: Components of ESPHome that wait for a peer, and how often one must have held the loop. An update waits for the flash.
_NETWORK_COMPONENTS = Pattern(r"http|mqtt|\bapi\b|web_?socket|modbus_tcp|wireguard|sntp", re.IGNORECASE)
_SLOW_MIN = 2


def blocked_call(timeline: Timeline) -> Iterator[Finding]:
    """A call that returned after minutes, a watchdog behind a network call, a device that answers pings only."""
    for reader in (
        _returned_late,
        _watchdog,
        _stuck,
        _fell_silent,
        _acks_without_answers,
        _does_not_read,
    ):
        proof, summary, confidence = reader(timeline)
        if proof:
            yield prove(timeline, "HO301", summary, proof, confidence=confidence)
            return


def _returned_late(timeline: Timeline) -> tuple[list[Proof], str, float]:
    late = [e for e in timeline.of(CallFailed) if (e.after_s or 0.0) >= _BLOCKED_S]
    if not late:
        stuck = [e for e in timeline.of(CallBlocked) if e.after_s >= _BLOCKED_S]
        if not stuck:
            return [], "", 0.0
        entered = next(iter(timeline.recent(stuck[0], CallStarted)), None)
        text = f"a network call has held its thread for {duration(stuck[-1].after_s)} and has not returned."
        return [stuck[-1], stuck[0], *([entered] if entered else [])], text, 0.9
    worst = max(late, key=lambda e: e.after_s or 0.0)
    proof: list[Proof] = [worst]
    sent = next(iter(timeline.recent(worst, DataSent)), None)
    proof += [sent] if sent else []
    for talk in timeline.conversations:
        runs = [r for r in talk.flow.retransmission_runs if r.by == talk.mine and r.answered is None]
        proof += [
            p
            for run in runs[:1]
            for p in frames(talk.flow, run.original, run.frames[-1] if run.frames else None)
        ]
    fd = f" on fd {worst.fd}" if worst.fd is not None else ""
    return (
        proof,
        f"{worst.call}(){fd} blocked its thread for {duration(worst.after_s or 0)} before it failed.",
        0.95,
    )


def _watchdog(timeline: Timeline) -> tuple[list[Proof], str, float]:
    for dog in timeline.of(WatchdogFired):
        if dog.task:
            continue
        report = timeline.few_after(dog, _REPORT_EVENTS)
        tasks = [e for e in report if isinstance(e, WatchdogFired) and e.task]
        call = _call_before(timeline, dog)
        ran = [e for e in report if isinstance(e, CpuRan)]
        waiting = next((t for t in tasks if not t.task.lower().startswith("idle")), None)
        if ran and waiting is not None and all(e.task.lower().startswith("idle") for e in ran):
            summary = (
                f"task {waiting.task} did not feed the watchdog while the processors were idle:"
                " it does not compute, it waits in a call that has no deadline."
            )
            return [dog, waiting, ran[0], *([call] if call else [])], summary, 0.85 if call else 0.75
        spinning = next((e for e in ran if _does_networking(e.task)), None)
        if spinning is not None and tasks and waiting is None:
            summary = (
                f"task {spinning.task}, which does the networking, kept its processor from idling until the watchdog fired:"
                " it goes round without waiting for the network."
            )
            return [dog, tasks[0], spinning, *([call] if call else [])], summary, 0.75 if call else 0.6
        named = next((t for t in tasks if any(word in t.task.lower() for word in _NETWORK_TASKS)), None)
        if call is None:
            if named is not None and _does_networking(named.task):
                text = f"the watchdog fired because task {named.task}, which does the networking, had not come back."
                return [dog, named], text, 0.65
            continue
        slow = [e for e in timeline.of(CallBlocked) if e.after_s >= 1.0]
        task = f" (task {named.task})" if named else ""
        summary = (
            f"the watchdog fired{task} while a network call had not returned: it blocks without a deadline."
        )
        return [call, dog, *([named] if named else []), *slow[:1]], summary, 0.9 if named else 0.75
    slow = [e for e in timeline.of(CallBlocked) if e.after_s >= 3.0]
    again = [e for e in slow if _NETWORK_COMPONENTS.search(e.what)]
    if len(again) >= _SLOW_MIN:
        longest = max(e.after_s for e in again)
        summary = f"{again[0].what} held the main loop {often(len(again))}, for up to {duration(longest)}: it waits for the network."
        return [*spread(again)], summary, 0.75
    for event in slow:
        call = _call_before(timeline, event)
        if call is not None:
            summary = f"{event.what or 'an operation'} held the main loop for {duration(event.after_s)} behind a network call."
            return [event, call], summary, 0.7
    return [], "", 0.0


def _does_networking(task: str) -> bool:
    """Whether a task by its name does nothing but networking."""
    name = task.lower()
    return name not in _ANY_LOOP and any(word in name for word in _NETWORK_TASKS)


def _call_before(timeline: Timeline, event: Event) -> Event | None:
    """The network call that had begun and not ended when ``event`` came."""
    calls = [c for c in timeline.recent(event, CallFailed, 3) if c.call in ("send", "recv")]
    begun = timeline.last_of(event, CallStarted, ConnectStarted, DataSent, ResolveFailed)
    latest = max([*calls, *([begun] if begun else [])], key=timeline.position, default=None)
    if latest is None:
        return None
    gap = event.at.since(latest.at)
    return latest if gap is None or gap <= _BEFORE_WATCHDOG_S else None


def _stuck(timeline: Timeline) -> tuple[list[Proof], str, float]:
    """A person had to break in after connection errors: what ran had not come back."""
    for event in timeline.of(Interrupted):
        trouble = timeline.last_of(event, *_ERRORS)
        if trouble is not None:
            return (
                [event, trouble],
                "after a failed connection the program hung until it was interrupted by hand.",
                0.6,
            )
        begun = timeline.last_of(event, ConnectStarted, WifiStarted, DataSent)
        if begun is not None:
            return [event, begun], "the program hung in a network call until it was interrupted by hand.", 0.6
    return [], "", 0.0


def _fell_silent(timeline: Timeline) -> tuple[list[Proof], str, float]:
    """Every request had its answer; then one has neither an answer nor an error, while other tasks go on printing."""
    sent = list(timeline.of(DataSent))
    if not sent:
        return [], "", 0.0
    last = sent[-1]
    after = list(timeline.between(last))
    if any(event.where.line is not None and not isinstance(event, _BYSTANDERS) for event in after):
        return [], "", 0.0
    answers = [_answer(timeline, earlier) for earlier in sent[:-1]]
    waits = [gap for reply, gap in answers if reply is not None and gap is not None]
    told = [event for event in after if event.where.source == last.where.source]
    silence = told[-1].at.since(last.at) if told else None
    if silence is None or len(waits) < _ANSWERED_MIN or len(waits) < len(answers):
        return [], "", 0.0
    if silence < max(_BLOCKED_S, _MANY_TIMES * max(waits)):
        return [], "", 0.0
    fd = f" on fd {last.fd}" if last.fd is not None else ""
    summary = (
        f"{len(waits)} requests had their answer within {duration(max(waits))}; the last one{fd} got neither an answer nor an"
        f" error in the {duration(silence)} that the log goes on: what waits for it has no deadline."
    )
    reply = answers[-1][0]
    return [last, told[-1], *([reply] if reply else [])], summary, 0.75


def _answer(timeline: Timeline, sent: DataSent) -> tuple[Event | None, float | None]:
    """What was received on the same descriptor after ``sent``, before anything else was sent; how long it took."""
    reply = timeline.next_of(sent, DataReceived, DataSent)
    if not isinstance(reply, DataReceived) or reply.fd != sent.fd:
        return None, None
    return reply, reply.at.since(sent.at)


def _acks_without_answers(timeline: Timeline) -> tuple[list[Proof], str, float]:
    """Clients' requests are acknowledged by the stack and never answered by the application."""
    mute = [talk for talk in timeline.conversations if talk.mine == "server" and _mute(talk)]
    dropped = [
        talk for talk in timeline.conversations if talk.mine == "server" and talk.flow.end == "unanswered"
    ]
    if not mute or dropped:
        return [], "", 0.0
    pings = [p for p in timeline.of(PingObserved) if p.target_ip in timeline.device.ips and p.answered]
    talk = mute[0]
    proof: list[Proof] = frames(talk.flow, talk.peer.last_payload, talk.device.last)
    pinged = ""
    if pings:
        pinged = f" while {pings[0].answered} of {pings[0].asked} pings were answered"
        proof += [(pings[0], pings[0].last_answer)]
    summary = f"{len(mute)} clients' requests were acknowledged by the stack and never answered{pinged}: the application's thread is stuck."
    return proof, summary, 0.85 if pings else 0.7


def _mute(talk: Conversation) -> bool:
    peer, device = talk.peer, talk.device
    if talk.flow.established is None or peer.last_payload is None or device.last is None or peer.unacked:
        return False
    answered = device.last_payload is not None and device.last_payload.time >= peer.last_payload.time
    last = max(peer.last.time if peer.last else 0.0, device.last.time)
    return not answered and last - peer.last_payload.time >= _REPLY_S and talk.device.fin is None


def _does_not_read(timeline: Timeline) -> tuple[list[Proof], str, float]:
    """The device's window shrinks to nothing: data arrives and no thread takes it."""
    for talk in timeline.conversations:
        closed = [run for run in talk.flow.zero_window_runs if run.by == talk.mine and run.probes >= 2]
        for run in closed:
            span = (run.reopened or run.frames[-1]).time - run.frames[0].time
            if span >= _REPLY_S:
                summary = f"the device let its receive window close for {duration(span)}: the thread that should read is elsewhere."
                return frames(talk.flow, run.frames[0], run.frames[-1]), summary, 0.7
    return [], "", 0.0
