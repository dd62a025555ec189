"""What one device did in one run, in figures: descriptors, heap, how long until it let go of what was dead, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from halfopen.impairments import Impairment
from halfopen.twin.lwip.options import Options
from halfopen.twin.scenario import Scenario
from halfopen.twin.simulation import Sample, Simulation
from halfopen.twin.truth import Truth

#: Impairments that end what is connected; after others a connection may go on.
_DEADLY = frozenset({"flows-lost", "peer-rebooted", "peer-vanished", "link-down"})
#: Where nothing disturbs, the state to compare the end with is that after this share of the run: caches are full then.
_SETTLED = 0.5
_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Figures:
    """One device in one run; times in seconds, memory in bytes.

    ``let_go_s`` is the longest time from a connection's death to its close (``None``: never, or nothing died:
    ``died`` says which); ``recovered_s`` from the end of the last disturbance to the next exchange (``None``: never, or
    it did not last).
    ``outage_s`` is the longest time without an exchange, ``exchanges`` how many there were.
    """

    device: str
    firmware: str
    descriptors_max: int
    descriptors_before: int
    descriptors_most: int
    descriptors_end: int
    heap_before: int
    heap_least: int
    heap_end: int
    largest_end: int
    died: int
    let_go_s: float | None
    recovered_s: float | None
    exchanges: int
    outage_s: float
    boots: int

    def as_dict(self) -> dict[str, Any]:
        """Name → value."""
        return {name: getattr(self, name) for name in Figures.__slots__}


def figures(simulation: Simulation) -> tuple[Figures, ...]:
    """The figures of each device of a simulation that was run."""
    return tuple(_of(simulation, name) for name in simulation.devices)


def troubled(scenario: Scenario) -> tuple[float, float] | None:
    """When, in seconds, disturbances begin and when the last one is over; ``None`` when nothing disturbs."""
    begins, ends = [], []
    for _, impairment in scenario.impairments:
        if impairment.begin_ms == 0 and impairment.end_ms is None:
            continue  # that is how this network is
        begins.append(impairment.begin_ms / _MS)
        ends.append(_end_s(impairment))
    for caller in scenario.callers:
        if caller.then != "close":
            last = caller.begin_ms + (caller.count - 1) * caller.every_ms + caller.after_ms
            begins.append(caller.begin_ms / _MS)
            ends.append(last / _MS)
    return (min(begins), max(ends)) if begins else None


def _end_s(impairment: Impairment) -> float:
    return (impairment.begin_ms if impairment.end_ms is None else impairment.end_ms) / _MS


def _of(simulation: Simulation, name: str) -> Figures:
    device, samples, truth = simulation.devices[name], simulation.samples[name], simulation.truth
    scenario = simulation.scenario
    span = troubled(scenario)
    served = [at / _MS for at in _times(truth, name, "exchanged")]
    lives = served or [at / _MS for at in _times(truth, name, "connected")]
    died, let_go = _let_go(simulation, name)
    trouble = span[0] if span is not None else scenario.duration_s * _SETTLED
    before = _working(samples, lives[0] if lives else 0.0, trouble)
    calm = span[1] if span is not None else 0.0
    after = [at for at in lives if at >= calm]
    if served and served[-1] < (calm + scenario.duration_s) / 2:
        after = []  # what was on its way is no recovery: it must go on
    options: Options = device.stack.options
    return Figures(
        device=name,
        firmware=device.firmware.NAME,
        descriptors_max=options.max_sockets,
        descriptors_before=before.descriptors,
        descriptors_most=max(sample.descriptors for sample in samples),
        descriptors_end=samples[-1].descriptors,
        heap_before=before.heap_free,
        heap_least=device.heap.minimum_ever,
        heap_end=samples[-1].heap_free,
        largest_end=samples[-1].heap_largest,
        died=died,
        let_go_s=let_go,
        recovered_s=after[0] - calm if after else None,
        exchanges=len(served),
        outage_s=_longest_gap(served, float(scenario.duration_s)),
        boots=device.boots,
    )


def _working(samples: Sequence[Sample], first: float, trouble: float) -> Sample:
    """What it held while it worked: the last sample before the trouble, or the first after it ever worked at all."""
    return next(
        (sample for sample in reversed(samples) if first <= sample.at_s < trouble),
        next((sample for sample in samples if sample.at_s >= first), samples[0]),
    )


def _times(truth: Truth, name: str, what: str) -> list[float]:
    return [float(event["at_ms"]) for event in truth.of(what, name)]


def _longest_gap(times: Sequence[float], end: float) -> float:
    """The longest time between two exchanges, and from the last one to the end."""
    if not times:
        return end
    return max(later - earlier for earlier, later in zip(times, [*times[1:], end], strict=True))


def _let_go(simulation: Simulation, name: str) -> tuple[int, float | None]:
    """How many of the device's connections died of a disturbance, and the longest time until one was closed: ``None``
    when one never was."""
    deaths = [
        impairment.begin_ms
        for at, impairment in simulation.scenario.impairments
        if impairment.KIND in _DEADLY
    ]
    longest, died = 0.0, 0
    for death in deaths:
        for closed in _closed_after(simulation.truth, name, death):
            died += 1
            if closed is None:
                return len(deaths), None
            longest = max(longest, (closed - death) / _MS)
    return died, longest if died else None


def _closed_after(truth: Truth, name: str, moment: float) -> list[float | None]:
    """For each descriptor that was connected at ``moment`` (ms): when it was closed, ``None`` for never."""
    held: dict[int, bool] = {}
    closed: dict[int, float | None] = {}
    for event in truth.events:
        if event["who"] != name:
            continue
        what, at = event["what"], float(event["at_ms"])
        if at >= moment and not closed and held:
            closed = dict.fromkeys(held)
        if what in ("connected", "accepted") and at < moment:
            held[event["fd"]] = True
        elif what == "socket-closed":
            fd = event["fd"]
            if at < moment:
                held.pop(fd, None)
            elif closed.get(fd, 0.0) is None:
                closed[fd] = at
        elif what == "rebooted":
            if at < moment:
                held.clear()
            closed = {fd: at if when is None else when for fd, when in closed.items()}
    return list((closed or dict.fromkeys(held)).values())
