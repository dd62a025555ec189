"""Damage captures and logs at random and read them with a kernel that checks every index.

    python fuzz/fuzz_checked_kernel.py [--seed N] [--runs N]

The kernel that ships is compiled without bounds checks: its own tests of lengths are all there is. Here the same sources
are compiled with them, into a folder of their own (pip fetches the compiler's requirements as for any installation), and
``fuzz_captures.py`` and ``fuzz_logs.py`` run on that. An index out of bounds raises ``IndexError``, which they report with
the seed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
UNCHECKED = "boundscheck=False, initializedcheck=False"
CHECKED = "boundscheck=True, initializedcheck=True"


def build(folder: Path) -> Path:
    """Compile the package with checks; where it was put. Raises :class:`SystemExit` when the kernel is not compiled."""
    source, target = folder / "source", folder / "installed"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
    kernel = source / "src" / "halfopen" / "kernel"
    sources = [path for path in kernel.glob("*.p[yx]*") if UNCHECKED in path.read_text()]
    for path in sources:
        path.write_text(path.read_text().replace(UNCHECKED, CHECKED))
    loops = [path for path in sources if path.suffix == ".py"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True)
    built = {path.name.partition(".")[0] for path in (target / "halfopen" / "kernel").glob("*.so")}
    missing = {path.stem for path in loops} - built
    if missing or not loops:
        raise SystemExit(f"not compiled: {', '.join(sorted(missing)) or 'no loop was found'}")
    return target


def main() -> int:
    """Build, then fuzz with the arguments given."""
    with tempfile.TemporaryDirectory() as folder:
        target = build(Path(folder))
        environment = {**os.environ, "PYTHONPATH": str(target)}
        where = [sys.executable, "-c", "import halfopen.kernel.flows as f; print(f.__file__)"]
        loaded = subprocess.run(where, env=environment, check=True, capture_output=True, text=True).stdout
        if not loaded.startswith(str(target)):
            raise SystemExit(f"the kernel that was loaded is {loaded.strip()}")
        for name in ("fuzz_captures.py", "fuzz_logs.py"):
            fuzz = [sys.executable, str(Path(__file__).with_name(name)), *sys.argv[1:]]
            if status := subprocess.run(fuzz, env=environment, check=False).returncode:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
