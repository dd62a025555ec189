"""What the tests of the link share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def device_files(
    require_tool: Callable[[str], str],
    load_script: Callable[[str], ModuleType],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with what ``make device`` builds."""
    require_tool("mpy-cross")
    folder = tmp_path_factory.mktemp("device")
    load_script("device/build.py").build(folder)
    return folder
