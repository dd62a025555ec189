"""Shards: the same results in order whatever the number of processes, errors and lost workers told, Ctrl-C obeyed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.sweep.interrupting import interrupted, started

from halfopen.shards import WorkersLost, in_shards, map_shards


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_results_are_told_in_the_order_of_the_shards(jobs: int) -> None:
    told: list[int] = []
    mapped = map_shards(abs, range(-40, 0), jobs=jobs, done=told.append)
    assert mapped.results == told == list(range(40, 0, -1))
    assert not mapped.interrupted


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_the_function_raises_is_raised_here(jobs: int) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        map_shards(int, ["1", "2", "x", "4"], jobs=jobs)


def test_a_worker_that_ends_by_itself_is_told_in_one_line() -> None:
    with pytest.raises(WorkersLost, match=r"^a worker process ended by itself.*fewer --jobs need less$"):
        map_shards(os._exit, [3, 3, 3], jobs=2)


def test_items_are_cut_into_shards() -> None:
    assert in_shards(range(7), 3) == [range(3), range(3, 6), range(6, 7)]
    assert in_shards([], 3) == []


SLEEPY = """
import sys, time
from halfopen.shards import map_shards
def main():
    mapped = map_shards(time.sleep, [0.05] * 400, jobs=int(sys.argv[1]), done=lambda _: print("one", flush=True))
    print("end", len(mapped.results), mapped.interrupted)
if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_the_map_with_what_is_done(jobs: str, tmp_path: Path) -> None:
    script = tmp_path / "sleepy.py"
    script.write_text(SLEEPY)
    running = started([sys.executable, script, jobs], tmp_path)
    assert running.stdout is not None
    for _ in range(5):
        assert running.stdout.readline() == "one\n"
    began = time.monotonic()
    status, out, err = interrupted(running)
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[-1] == f"end {5 + lines.count('one')} True", "each result is told and counted once"
    assert 5 + lines.count("one") < 400
    assert time.monotonic() - began < 15


def test_workers_do_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "sleepy.py"
    script.write_text(SLEEPY)
    running = subprocess.Popen([sys.executable, script, "2"], stdout=subprocess.PIPE, start_new_session=True)
    assert running.stdout is not None
    running.stdout.readline()
    running.kill()
    running.wait()
    running.stdout.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGKILL)
    pytest.fail("workers are left")
