"""What every test folder may ask for."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

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


@pytest.fixture(scope="session")
def load_script() -> Callable[[str], ModuleType]:
    """``load_script("fuzz/fuzz_captures.py")``: a script that is not part of the package, as a module."""

    def load(path: str) -> ModuleType:
        found = Path(__file__).parents[1] / path
        spec = importlib.util.spec_from_file_location(found.stem, found)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
