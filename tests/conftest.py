"""What every test folder may ask for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """``require_tool("gcc")``: its path; without it the test skips, or fails if HALFOPEN_REQUIRE_ALL=1."""

    def find(name: str) -> str:
        beside_python = Path(sys.prefix) / "bin" / name
        found = str(beside_python) if beside_python.is_file() else shutil.which(name)
        if found is None:
            reason = f"{name} is not installed"
            if os.environ.get("HALFOPEN_REQUIRE_ALL") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        return found

    return find
