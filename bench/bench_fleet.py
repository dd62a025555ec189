"""How long a fleet's day takes, and how that grows with devices and with hours.

    python bench/bench_fleet.py [--devices N] [--hours H] [--jobs N] [FOLDER]

Actuators on Wi-Fi wait for commands (keepalive 10/3/3 on the link) and meet ten impairments a day each; fifty of them make a
cell, which is an access point with its own world. Cells are spread over processes. Without FOLDER a small fleet is measured;
with it ``fleet.md`` and ``fleet.svg`` are written there, from the whole one: 10,000 devices for a day.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import time
from pathlib import Path
from typing import NamedTuple

from halfopen.pages.charts import Chart, Curve, alone
from halfopen.shards import map_shards, processors
from halfopen.sweep.answers import Answer, figures, fingerprint
from halfopen.sweep.as_toml import Tables
from halfopen.sweep.cells import cells_of, played
from halfopen.sweep.measures import Sums

A_DAY = 10.0
SEED = 1
CELL = 50
#: The aim: so many devices for a day on two processors, in so many seconds.
WHOLE, DAY_H, LIMIT_S = 10_000, 24.0, 60.0


def fleet(hours: float) -> Tables:
    """One cell."""
    return {
        "title": "Actuators that wait for commands",
        "duration_s": round(hours * 3600),
        "peers": [{"name": "cloud", "ip": "203.0.113.20", "services": [{"port": 8080, "kind": "sink"}]}],
        "access_points": [{"name": "ap"}],
        "devices": [
            {
                "name": "valve",
                "count": CELL,
                "every_ms": 300,
                "firmware": "link-client",
                "options": {"host": "203.0.113.20", "listens": True, "report_ms": 86_400_000},
            }
        ],
    }


class Row(NamedTuple):
    """One measurement: times in seconds, ``cpu_s`` of all processes together."""

    devices: int
    hours: float
    jobs: int
    wall_s: float
    cpu_s: float
    sums: Sums

    @property
    def fingerprint(self) -> str:
        """What came of it, whoever played it."""
        return fingerprint([Answer((), 1, self.sums, figures(self.sums))])

    def told(self) -> str:
        """As a line of a table."""
        rate = self.devices * self.hours / self.cpu_s
        return (
            f"| {self.devices:,} | {self.hours:g} | {self.jobs} | {self.sums.events:,} | {self.wall_s:.1f} | {self.cpu_s:.1f} "
            f"| {rate:,.0f} | {self.fingerprint} |"
        )


HEAD = (
    "| devices | hours | processes | events | wall (s) | CPU (s) | device-hours per CPU second | fingerprint |\n"
    "|---|---|---|---|---|---|---|---|"
)


def measure(devices: int, hours: float, jobs: int) -> Row:
    """Play a fleet and time it."""
    began, cpu = time.perf_counter(), _cpu_s()
    sums = Sums()
    cells = cells_of(fleet(hours), 0, SEED, devices, A_DAY)
    map_shards(played, cells, jobs=jobs, done=lambda cell: sums.add(cell.sums))
    row = Row(devices, hours, jobs, time.perf_counter() - began, _cpu_s() - cpu, sums)
    print(row.told(), flush=True)
    return row


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def charts(by_devices: list[Row], by_hours: list[Row]) -> list[Chart]:
    """CPU time over devices and over hours, both growing by factors: a straight line of slope one is linear."""
    return [
        Chart(
            "a day, by devices",
            "devices",
            [Curve("", [(row.devices, row.cpu_s) for row in by_devices])],
            "CPU s",
            True,
        ),
        Chart(
            f"{by_hours[0].devices:,} devices, by hours",
            "hours",
            [Curve("", [(row.hours, row.cpu_s) for row in by_hours])],
            "CPU s",
            True,
        ),
    ]


def page(whole: Row, again: Row, rows: list[Row]) -> str:
    """The page of the documentation."""
    sums = whole.sums
    served = 100 * sums.served_ms / sums.lived_ms
    verdict = _verdict(whole)
    return f"""# A fleet's day

Written by `python bench/bench_fleet.py docs/internals`; `make bench` measures a smaller one.

{whole.devices:,} devices for {whole.hours:g} hours, ten impairments a day each (lost flows, blackholes, radio drop-outs, fading,
kicks, late wakes, loss, delay …), every device with its own lwIP, heap, radio and link; fifty to an access point, each access
point a cell with its own world. {verdict}

{HEAD}
{whole.told()}
{again.told()}
{chr(10).join(row.told() for row in rows)}

The fingerprint is of every sum that the cells add up to: the same for one process and for several, and however the cells are
spread. What came of that day: {served:.3f} % of the time a connection stood and led somewhere; {sums.deaths:,} connections died
without a word and {sums.unnoticed:,} of them were never noticed; half of the others were within {_median(sums)} s.

![CPU time over devices, a straight line, and over hours, straight from a few hours on; both axes logarithmic](fleet.svg)

Time grows in proportion to devices, because cells know nothing of each other. In the first hours building and joining are most of
it; from then on it grows in proportion to hours, with what happens in them: answered keepalive probes, beacons and null frames are
played in closed form and cost nothing. Measured on {platform.machine()}, {os.cpu_count()} processors, Python
{platform.python_version()}.
"""


def _verdict(whole: Row) -> str:
    """Whether the limit holds, as far as this run can tell."""
    said = f"The aim: under {LIMIT_S:.0f} s on two processors"
    if whole.wall_s < LIMIT_S:
        return f"{said}; it holds, {whole.wall_s:.0f} s."
    if whole.wall_s > 1.5 * whole.cpu_s / whole.jobs:
        return (
            f"{said}. This run cannot tell: others used the machine, so that {whole.cpu_s:.0f} s of CPU took {whole.wall_s:.0f} s, "
            "and CPU seconds are longer where processors are shared."
        )
    return f"{said}; it does not hold here, {whole.wall_s:.0f} s."


def _median(sums: Sums) -> str:
    from halfopen.sweep.answers import percentile

    return f"{percentile(sums, 0.5):.1f}"


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--devices", type=int)
    parser.add_argument("--hours", type=float)
    parser.add_argument("--jobs", type=int, default=min(2, processors()))
    asked = parser.parse_args()
    print(HEAD)
    if asked.folder is None:
        measure(asked.devices or 500, asked.hours or DAY_H, asked.jobs)
        return
    devices, hours = asked.devices or WHOLE, asked.hours or DAY_H
    whole = measure(devices, hours, asked.jobs)
    few = max(CELL, devices // 10)
    by_devices = [measure(max(CELL, few // factor), hours, 1) for factor in (16, 8, 4, 2, 1)]
    by_hours = [measure(few, hours / factor, 1) for factor in (24, 12, 6, 3, 1.5)] + [by_devices[-1]]
    again = measure(few, hours, asked.jobs)
    if again.fingerprint != by_devices[-1].fingerprint:
        raise SystemExit("the result depends on the number of processes")
    asked.folder.mkdir(parents=True, exist_ok=True)
    (asked.folder / "fleet.svg").write_text(
        alone(charts(by_devices, by_hours), "CPU time of a fleet"), encoding="utf-8"
    )
    (asked.folder / "fleet.md").write_text(page(whole, again, by_devices + by_hours[:-1]), encoding="utf-8")


if __name__ == "__main__":
    main()
