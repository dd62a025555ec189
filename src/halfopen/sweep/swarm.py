"""Many situations, each drawn from its seed, played, and held against the link's promises.

``verdicts`` is the pure function that shards map; a verdict is small and can be written as a line of JSON.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from halfopen.sweep.as_toml import Tables
from halfopen.sweep.drawing import drawn
from halfopen.sweep.promises import Broken, broken_promises
from halfopen.twin.firmware.link_client import LinkClient
from halfopen.twin.scenario import Scenario, of_tables
from halfopen.twin.simulation import Simulation
from halfopen.twin.tables import ScenarioError

#: The promise that is broken when a world does not come to its end.
CRASH = "no crash"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one seed: how many links lived, and the promises that were broken."""

    seed: int
    links: int
    broken: tuple[Broken, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {"seed": self.seed, "links": self.links, "broken": [asdict(one) for one in self.broken]}

    @classmethod
    def of_dict(cls, values: dict[str, Any]) -> Verdict:
        """The verdict that :meth:`as_dict` told. Raises :class:`KeyError`, :class:`TypeError` for anything else."""
        return cls(values["seed"], values["links"], tuple(Broken(**one) for one in values["broken"]))


def judged(scenario: Scenario, seed: int | None = None) -> tuple[Broken, ...]:
    """Play ``scenario`` and say which promises it broke. What the world raises is a broken promise, too."""
    try:
        simulation = Simulation(scenario, seed, records=False)
        simulation.run()
        return tuple(broken_promises(simulation))
    except ScenarioError:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno})"
        return (Broken(CRASH, "", " ".join(said.split())),)


def verdict(seed: int) -> Verdict:
    """Draw, play and judge one seed."""
    scenario = of_tables(drawn(seed), f"seed {seed}")
    links = sum(plan.count for plan in scenario.devices if isinstance(plan.firmware, LinkClient))
    return Verdict(seed, links, judged(scenario))


def verdicts(seeds: Sequence[int]) -> list[Verdict]:
    """One shard: its seeds one after the other."""
    return [verdict(seed) for seed in seeds]


def breaks(tables: Tables, promise: str) -> bool:
    """Whether a situation, cut down from another, still breaks ``promise``; one that cannot be played does not."""
    try:
        return any(broken.promise == promise for broken in judged(of_tables(tables, "cut down")))
    except ScenarioError:
        return False
