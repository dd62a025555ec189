"""``simulate --seeds``: the swarm's run, what it says, and how it ends."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NoReturn

import click

from halfopen.cli.progress import Counted
from halfopen.cli.writing import refuse
from halfopen.shards import WorkersLost, in_shards, map_shards, processors
from halfopen.sweep.as_toml import as_toml
from halfopen.sweep.drawing import drawn
from halfopen.sweep.promises import PROMISES
from halfopen.sweep.shrinking import shrunk
from halfopen.sweep.store import Kept, StoreError
from halfopen.sweep.swarm import Verdict, breaks, verdicts

#: Seeds of one shard: half a second's work, so that Ctrl-C is soon obeyed.
_SHARD = 4
#: So many failures are cut down; the rest is told. Each takes some seconds.
_CUT_DOWN_MAX = 10
_SEED_MAX = 2**63 - 1


def swarm(seeds: str, out: Path, jobs: int | None, resume: bool) -> NoReturn:
    """Play every seed, say what broke, and end the program."""
    chosen = seeds_of(seeds)
    jobs = jobs or processors()
    about = {"halfopen": "swarm", "seeds": f"{chosen[0]}..{chosen[-1]}"}
    began = time.monotonic()
    found: list[Verdict] = []
    try:
        with (
            Kept(out / "seeds.jsonl", about, resume=resume) as store,
            Counted(len(chosen), "seeds") as progress,
        ):
            found = [Verdict.of_dict(one) for one in store.earlier]
            had = {one.seed for one in found}
            left = [seed for seed in chosen if seed not in had]

            def done(shard: list[Verdict]) -> None:
                for verdict in shard:
                    store.add(verdict.as_dict())
                    found.append(verdict)
                    if verdict.broken:
                        progress.clear()
                        _tell(verdict)
                broke = sum(bool(one.broken) for one in found)
                progress.show(len(found) - len(had), f", {broke} broke a promise" if broke else "")

            shards = in_shards(left, _SHARD)
            interrupted = map_shards(verdicts, shards, jobs=min(jobs, len(shards)), done=done).interrupted
    except (StoreError, WorkersLost) as error:
        refuse(str(error))
    except (KeyError, TypeError):
        refuse(f"{out / 'seeds.jsonl'}: is damaged; another --out begins anew")
    except OSError as error:
        refuse(f"{out}: {error.strerror or error}")
    _end(
        found,
        len(chosen),
        interrupted,
        time.monotonic() - began,
        out,
        f"--seeds {seeds} --jobs {jobs} --out {out}",
    )


def seeds_of(text: str) -> range:
    """``10000`` is 0 to 9999, ``5..8`` is 5 to 8. Refuses everything else."""
    first, dots, last = text.partition("..")
    try:
        begin, end = (int(first), int(last)) if dots else (0, int(first) - 1)
    except ValueError:
        refuse(f"--seeds is {text!r}: a number of seeds, or FIRST..LAST expected")
    if not 0 <= begin <= end <= _SEED_MAX:
        refuse(f"--seeds is {text!r}: at least one seed from 0 on expected")
    return range(begin, end + 1)


def _tell(verdict: Verdict) -> None:
    for broken in verdict.broken[:5]:
        whose = f"{broken.device}: " if broken.device else ""
        click.echo(f"✖ seed {verdict.seed}: {broken.promise}: {whose}{broken.said}")
    if len(verdict.broken) > 5:
        click.echo(f"  … and {len(verdict.broken) - 5} more of this seed")
    click.echo(
        f"  repeat: halfopen simulate --seeds {verdict.seed}..{verdict.seed} --out again-{verdict.seed}"
    )


def _end(
    found: list[Verdict], wanted: int, interrupted: bool, spent_s: float, out: Path, options: str
) -> NoReturn:
    """Cut the failures down, sum up, and end."""
    broken = [verdict for verdict in found if verdict.broken]
    for verdict in broken[:_CUT_DOWN_MAX]:
        if not interrupted:
            _cut_down(verdict, out)
    if len(broken) > _CUT_DOWN_MAX and not interrupted:
        click.echo(f"the other {len(broken) - _CUT_DOWN_MAX} were not cut down; repeat them one by one")
    links = sum(verdict.links for verdict in found)
    what = f"{len(found):,} seeds, {links:,} links, {spent_s:.0f} s"
    if interrupted:
        click.echo(
            f"interrupted: {what}, {len(broken)} seeds broke a promise; {out / 'seeds.jsonl'} has them"
        )
        click.echo(f"go on: halfopen simulate {options} --resume")
        sys.exit(130)
    if broken:
        click.echo(f"{what}: {len(broken)} of {wanted:,} seeds broke a promise")
        sys.exit(1)
    click.echo(f"{what}: every promise was kept ({', '.join(PROMISES)})")
    sys.exit(0)


def _cut_down(verdict: Verdict, out: Path) -> None:
    """Write the smallest situation that still breaks the same promise."""
    promise, tables = verdict.broken[0].promise, drawn(verdict.seed)
    if not breaks(tables, promise):
        click.echo(
            f"  seed {verdict.seed}: {promise} was kept this time: it does not depend on the seed alone"
        )
        return
    try:
        small = shrunk(tables, lambda smaller: breaks(smaller, promise))
    except KeyboardInterrupt:
        click.echo(f"  seed {verdict.seed}: not cut down")
        return
    path = out / f"broken-{verdict.seed}.toml"
    about = f"Seed {verdict.seed}, cut down: {promise}: {verdict.broken[0].said}"
    try:
        path.write_text(as_toml(small, about), encoding="utf-8")
    except OSError as error:
        refuse(f"{path}: {error.strerror or error}")
    count = f"{len(small['impairments'])} of {len(tables['impairments'])} impairments"
    click.echo(f"  seed {verdict.seed} cut down to {count}: halfopen simulate {path} --check")
