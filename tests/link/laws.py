"""The laws of the table, as a walk over every row and every reachable situation.

``broken_laws`` takes the table as an argument, so that planted defects can be shown to be found.
"""

from __future__ import annotations

from collections.abc import Mapping

from halfopen.link import machine as m
from halfopen.link.policy import NEVER, Policy

Table = Mapping[tuple[str, str], tuple[str, tuple[str, ...]]]

STATES = [state for _, states in m.STAGES for state in states]
#: What can happen at any time, whatever the machine is doing.
ANY_TIME = (m.STOPPED, m.SLEEP_ASKED, m.WIFI_LOST, m.ADDRESS_CHANGED, m.ROAMED, m.DOZE_FORBIDDEN)
#: What ends an established connection, doubted or not.
CONNECTION_ENDS = (
    m.SEND_STALLED,
    m.SEND_EXPIRED,
    m.ANSWER_EXPIRED,
    m.AGE_REACHED,
    m.PEER_CLOSED,
    m.SOCKET_FAILED,
    m.RELEASED,
    m.WIFI_LOST,
    m.ADDRESS_CHANGED,
)
#: What can go wrong in each state beside its deadline; each must lead out of it.
FAILURES = {
    m.JOINING: (m.JOIN_FAILED,),
    m.LEASING: (m.WIFI_LOST,),
    m.GATED: (m.HEAP_STARVED, m.WIFI_LOST),
    m.RESOLVING: (m.NAME_FAILED, m.WIFI_LOST),
    m.OPENING: (m.DESCRIPTORS_EXHAUSTED, m.PCBS_EXHAUSTED, m.SOCKET_REFUSED, m.WIFI_LOST),
    m.DIALING: (m.DIAL_FAILED, m.WIFI_LOST, m.ADDRESS_CHANGED),
    m.SECURING: (m.SECURE_FAILED, m.PEER_CLOSED, m.SOCKET_FAILED, m.WIFI_LOST, m.ADDRESS_CHANGED),
    m.ONLINE: (m.SILENCE_NOTICED, *CONNECTION_ENDS),
    m.DOUBTED: (m.SILENCE_EXPIRED, *CONNECTION_ENDS),
    m.RETIRING: (m.PEER_CLOSED, m.SOCKET_FAILED, m.WIFI_LOST, m.ADDRESS_CHANGED),
}
RETRIES = (m.RETRY_SOCKET, m.RETRY_NAME, m.RETRY_JOIN, m.RETRY_WIFI, m.RETRY_REBOOT)


def broken_laws(table: Table) -> list[str]:
    """Every law that ``table`` breaks, in words; empty when it keeps them all."""
    return [
        *_descriptors_balance(table),
        *_failures_lead_out(table),
        *_situations(table),
        *_always_home(table),
    ]


def _descriptors_balance(table: Table) -> list[str]:
    """held + opened − closed = holds, in every row."""
    broken = []
    for (state, event), (after, effects) in table.items():
        held = (state in m.HOLDS) + (event == m.SOCKET_OPENED) - effects.count(m.CLOSE_SOCKET)
        if held != (after in m.HOLDS):
            broken.append(
                f"{state} + {event} -> {after}: {held} descriptors held, {after in m.HOLDS:d} accounted for"
            )
    return broken


def _failures_lead_out(table: Table) -> list[str]:
    """Every state is left on every failure and at its deadline, and takes what can happen at any time."""
    broken = []
    for state in STATES:
        limit_ms, deadline = Policy().deadline_ms(state)
        wanted = (*FAILURES.get(state, ()), *((deadline,) if limit_ms < NEVER else ()))
        for event in wanted:
            if (state, event) not in table or table[state, event][0] == state:
                broken.append(f"{state} is not left on {event}")
        at_any_time = ANY_TIME if state != m.REBOOTING else (m.STOPPED, m.STARTED)
        broken += [f"{state} does not take {event}" for event in at_any_time if (state, event) not in table]
    broken += [f"PAUSED does not take {event}" for event in RETRIES if (m.PAUSED, event) not in table]
    return broken


def _situations(table: Table) -> list[str]:
    """Walk every reachable situation: what is held, whether the gate opened, whether the peer was reached."""
    broken = set()
    start = (m.IDLE, 0, False, False, False)
    seen = {start}
    todo = [start]
    while todo:
        state, held, gate, reached, paused = todo.pop()
        for (before, event), (after, effects) in table.items():
            if before != state:
                continue
            row = f"{state} + {event} -> {after}"
            now_held, now_gate, now_reached = held, gate, reached
            now_paused = paused or after == m.PAUSED
            if event == m.SOCKET_OPENED:
                now_held += 1
            if event == m.HEAP_ENOUGH:
                now_gate = True
            if event in (m.CONNECTED, m.SECURED):
                now_reached = True
            for effect in effects:
                if effect == m.CLOSE_SOCKET:
                    now_held -= 1
                    now_reached = now_gate = False
                    now_paused = False  # a dial after a close needs a pause of its own
                online = state in (m.ONLINE, m.DOUBTED)  # nor after the goodbye
                if effect in m.TRANSMITS and not (online and now_gate and now_reached and now_held == 1):
                    broken.add(f"{row}: {effect} before gate and connect")
                if effect in (m.RESOLVE_NAME, m.OPEN_SOCKET) and not now_gate:
                    broken.add(f"{row}: {effect} before the heap gate")
                if effect in (m.OPEN_SOCKET, m.CHECK_HEAP, m.JOIN_WIFI) and now_held:
                    broken.add(f"{row}: {effect} before the old descriptor is closed")
            if m.OPEN_SOCKET in effects and m.SWEEP not in effects[: effects.index(m.OPEN_SOCKET)]:
                broken.add(f"{row}: a dial without a sweep before it")
            if m.CLOSE_SOCKET in effects and after not in (m.CLOSING, m.IDLE, m.ASLEEP):
                broken.add(f"{row}: a close that nobody confirms")
            if state in (m.CLOSING, m.OPENING, m.DIALING, m.SECURING, m.ONLINE, m.DOUBTED) and after in (
                m.JOINING,
                m.GATED,
            ):
                broken.add(f"{row}: a retry without the pause")
            if after in (m.PAUSED, m.ASLEEP, m.IDLE, m.JOINING, m.GATED):
                now_gate = now_gate and after == m.GATED and event == m.HEAP_SHORT
                now_reached = False
            if not 0 <= now_held <= 1:
                broken.add(f"{row}: {now_held} descriptors held")
                continue
            after_this = (after, now_held, now_gate, now_reached, now_paused)
            if after_this not in seen:
                seen.add(after_this)
                todo.append(after_this)
    missing = set(STATES) - {situation[0] for situation in seen}
    return sorted(broken) + [f"{state} is never reached" for state in sorted(missing)]


def _always_home(table: Table) -> list[str]:
    """From every state a connection can stand again, and the user can stop."""
    broken = []
    for goal in (m.ONLINE, m.IDLE):
        leads = {goal}
        while True:
            more = {state for (state, _), (after, _) in table.items() if after in leads} - leads
            if not more:
                break
            leads |= more
        broken += [f"{state} can never come to {goal}" for state in STATES if state not in leads]
    return broken
