"""Refreshes what devices fetch and firmware freezes: ``python device/ship.py`` (``make device``).

- ``device/mpy``: the .mpy files, in the repository because mip and mpremote fetch files from there;
- ``package.json``: mip's manifest, which names each of them;
- ``device/names.json``: what the short names in them mean, for ``device/readback.py``;
- ``build/device``: the packed sources that ``device/manifest.py`` freezes.

The tests say when what is committed is not what the sources give.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "device")]

import build  # noqa: E402

from halfopen import __version__  # noqa: E402

#: Where things stand below the root of the repository.
MPY = Path("device/mpy")
PACKED = Path("build/device")
NAMES = Path("device/names.json")
FOLDER = Path(*build.PACKAGE.split("."))


def mip_manifest(names: list[str]) -> str:
    """``package.json`` for the modules ``names``: where each file goes on the device, and where it stands here.

    Places here are relative to the manifest, so that a fork or a copy serves its own files.
    """
    files = [FOLDER / f"{name}.mpy" for name in sorted(names)]
    urls = [[file.as_posix(), (MPY / file).as_posix()] for file in files]
    return json.dumps({"urls": urls, "deps": [], "version": __version__}, indent=2) + "\n"


def write_packed(folder: Path) -> dict[str, dict[str, str]]:
    """Write the packed sources below ``folder``, and nothing else that would be frozen; what their short names mean."""
    packed = folder / FOLDER
    packed.mkdir(parents=True, exist_ok=True)
    for stale in packed.glob("*.py"):
        stale.unlink()
    files, names = build.texts()
    for name, text in files.items():
        (packed / f"{name}.py").write_text(text, encoding="utf-8")
    meanings = {short: long for long, short in sorted(names.items(), key=lambda pair: pair[1])}
    return {"files": {name: f"{build.PACKAGE}.{name}" for name in files}, "meanings": meanings}


def ship(root: Path) -> dict[str, int]:
    """Refresh all of it below ``root``; the sizes of the .mpy files in bytes by name."""
    for stale in (root / MPY).rglob("*.mpy"):
        stale.unlink()
    sizes = build.build(root / MPY)
    (root / "package.json").write_text(mip_manifest(list(sizes)), encoding="utf-8")
    names = write_packed(root / PACKED)
    (root / NAMES).write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")
    return sizes


def main() -> int:
    """Refresh, and say what came of it; the exit status."""
    parser = argparse.ArgumentParser(description="refresh what devices fetch and firmware freezes")
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="write below this folder instead of the repository"
    )
    for name, size in ship(parser.parse_args().root).items():
        print(f"{size:6} bytes  {build.PACKAGE}.{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
