"""A short, repeatable piece of fuzz/fuzz_logs.py."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_damaged_logs_break_nothing(first: int, load_script: Callable[[str], ModuleType]) -> None:
    fuzz = load_script("fuzz/fuzz_logs.py")
    for seed in range(first, first + 20):
        fuzz.run(seed)
