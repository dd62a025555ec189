"""The soak in small, and that it would notice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType

import pytest

from halfopen.link.ledger import Ledger


@pytest.fixture(scope="module")
def soak(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("fuzz/soak_link.py")


def test_no_descriptor_is_lost_in_virtual_time(soak: ModuleType) -> None:
    said = soak.soak_core(5000, seed=11)
    assert "all closed" in said


def test_none_is_lost_on_real_sockets(soak: ModuleType) -> None:
    said = asyncio.run(soak.soak_sockets(200, seed=11))
    for cause in ("peer-closed", "released", "reset", "silent"):
        assert cause in said


def test_a_close_that_is_forgotten_once_in_a_while_is_noticed(
    soak: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, calls = Ledger.close, [0]

    def forgetful(ledger: Ledger, ticket: int) -> bool:
        calls[0] += 1
        return False if calls[0] == 500 else close(ledger, ticket)

    monkeypatch.setattr(Ledger, "close", forgetful)
    with pytest.raises(soak.Broken):
        soak.soak_core(5000, seed=11)
    soak.Descriptor.open = 0
