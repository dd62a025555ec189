"""What the README shows is there, is what the command makes, and is not heavy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SHOWN = sorted(set(re.findall(r'(?:src|srcset)="(docs/pictures/[^"]+)"', (ROOT / "README.md").read_text())))


@pytest.mark.parametrize("picture", SHOWN)
def test_pictures_are_there_and_light(picture: str) -> None:
    assert 10_000 < (ROOT / picture).stat().st_size < 200_000


def test_the_command_makes_the_pictures_that_are_shown(load_script: Callable[[str], ModuleType]) -> None:
    script = load_script("docs/pictures.py")
    made = {
        f"docs/pictures/{name}-{scheme}.png"
        for name in (*script.PICTURES, *script.PROOFS)
        for scheme in ("light", "dark")
    }
    assert made == set(SHOWN)
    for paths in script.PICTURES.values():
        assert all((ROOT / path).is_file() for path in paths)


def test_the_keys_that_the_readme_names_work() -> None:
    script = (ROOT / "src/halfopen/pages/assets/timeline.js").read_text()
    acts = script[script.index("  key(event)") :]
    for key in ("+", "-", "n", "p", ".", ","):
        assert f"`{key}`" in (ROOT / "README.md").read_text()
        assert f'"{key}":' in acts or f"{key}:" in acts
