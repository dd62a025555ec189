"""Frames, conversations, retransmissions, keepalives and windows are what tshark says they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

RECORDINGS = Path(__file__).parents[1] / "recordings"
CAPTURES = sorted([*RECORDINGS.glob("lwip/*.pcapng"), *RECORDINGS.glob("wifi/*.peer_eth.pcapng")])


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_recordings_agree(path: Path, disagreements: Callable[[Path], list[str]]) -> None:
    assert disagreements(path) == []
