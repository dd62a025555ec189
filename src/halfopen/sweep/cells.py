"""A fleet in cells: one access point with its devices, its peers and its own world, seeded by the cell's name.

No cell knows of another, so a fleet gives the same sums however its cells are spread over shards and processes; and a cell
has the same luck in every variation, so that variations differ by what was varied and by nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from halfopen.sweep.as_toml import Tables
from halfopen.sweep.measures import Sums, measured
from halfopen.sweep.weather import under_weather
from halfopen.twin.scenario import duration_ns, of_tables
from halfopen.twin.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell to be played: the tables of its scenario, under ``a_day`` impairments for each device."""

    variation: int
    name: str
    seed: int
    tables: Tables
    a_day: float


@dataclass(frozen=True, slots=True)
class CellSums:
    """What came of one cell of one variation."""

    variation: int
    cell: str
    sums: Sums

    def as_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {"variation": self.variation, "cell": self.cell, "sums": self.sums.as_dict()}

    @classmethod
    def of_dict(cls, values: dict[str, Any]) -> CellSums:
        """The opposite. Raises :class:`KeyError`, :class:`TypeError` for anything else."""
        return cls(values["variation"], values["cell"], Sums.of_dict(values["sums"]))


def devices_of(tables: Tables) -> int:
    """How many devices a cell has."""
    return sum(group.get("count", 1) for group in tables["devices"])


def cells_of(tables: Tables, variation: int, seed: int, devices: int, a_day: float) -> list[Cell]:
    """As many cells as ``devices`` need; in the last one the largest groups are smaller when they do not come out even."""
    per_cell = devices_of(tables)
    cells = []
    for number in range(-(-devices // per_cell)):
        name = f"ap-{number + 1}"
        fewer = max(0, (number + 1) * per_cell - devices)
        cells.append(Cell(variation, name, seed_of(seed, name), _without(tables, fewer), a_day))
    return cells


def seed_of(seed: int, cell: str) -> int:
    """The seed of a cell's world: of the fleet's and its name alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{cell}".encode()).digest()[:8], "big") >> 1


def _without(tables: Tables, fewer: int) -> Tables:
    """``tables`` with so many devices fewer, at least one."""
    groups = [dict(group) for group in tables["devices"]]
    for _ in range(min(fewer, devices_of(tables) - 1)):
        largest = max(groups, key=lambda group: int(group.get("count", 1)))
        largest["count"] = largest.get("count", 1) - 1
        groups = [group for group in groups if group.get("count", 1)]
    return {**tables, "devices": groups}


def played(cell: Cell) -> CellSums:
    """Play one cell to its end."""
    tables = under_weather({**cell.tables, "seed": cell.seed}, cell.seed, cell.a_day)
    simulation = Simulation(of_tables(tables, cell.name), records=False)
    simulation.world.run(until=duration_ns(simulation.scenario))
    return CellSums(cell.variation, cell.name, measured(simulation))


def played_all(cells: Sequence[Cell]) -> list[CellSums]:
    """One shard: its cells one after the other."""
    return [played(cell) for cell in cells]
