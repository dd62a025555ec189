"""``halfopen`` with the kernel's sources in the place of what was compiled from them: ``python bench/interpreted.py diagnose …``"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

from halfopen.kernel import LOOPS

KERNEL = Path(__file__).parents[1] / "src" / "halfopen" / "kernel"


def interpret() -> None:
    """Load the sources under the modules' names."""
    for name in LOOPS:
        full = f"halfopen.kernel.{name}"
        loader = SourceFileLoader(full, str(KERNEL / f"{name}.py"))
        spec = importlib.util.spec_from_file_location(full, KERNEL / f"{name}.py", loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        loader.exec_module(module)


if __name__ == "__main__":
    interpret()
    from halfopen.cli import main

    main()
