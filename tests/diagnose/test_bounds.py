"""Memory does not grow with the input, and no input is read in silence."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.diagnose.conftest import events_of

import halfopen.diagnose as pipeline
from halfopen.diagnose import diagnose
from halfopen.diagnose.events import SocketRefused
from halfopen.diagnose.sources.console import ConsoleSource
from halfopen.ports.files import Input


class Endless(Input):
    """An input that never touches the disk: ``count`` chunks of a log."""

    def chunks(self, notes: list[str]) -> Iterator[bytes]:
        for n in range(400):
            yield b"".join(b"I (%d) app: free heap %d\n" % (n * 100000 + k, 150000 + k) for k in range(100))


def test_events_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "EVENTS_KEPT", 1000)
    notes: list[str] = []
    events = pipeline.read(Endless("long.log", None, named=True), notes)
    assert events is not None
    assert len(events) == 1000
    assert [e.where.line for e in (events[0], events[-1])] == [1, 40000]
    assert notes == [
        f"long.log: {40002 - 1000} events in the middle were left out; the first and last 500 were judged"
    ]


def test_quiet_lines_cost_no_memory() -> None:
    source = ConsoleSource("chatter.log")
    chunk = b"I (1) app: nothing to see here\n" * 2000
    for _ in range(2):  # after 64 KB the sieve is built
        list(source.feed(chunk))
    tracemalloc.start()
    for _ in range(50):
        assert not list(source.feed(chunk))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 200_000  # bytes, for 3 MB read


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("I (1) app: not looked at")
    with pytest.raises(pipeline.NothingToRead, match=f"^{re.escape(str(tmp_path))}: no file in it$"):
        diagnose(str(tmp_path))


def test_folder_of_nothing_useful_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(7)) * 1000)
    (tmp_path / "b.log").write_bytes(b"")
    with pytest.raises(pipeline.NothingToRead) as caught:
        diagnose(str(tmp_path))
    assert [line.split(": ", 1)[1] for line in str(caught.value).splitlines()] == [
        "neither a console log nor a capture: mostly control bytes",
        "empty",
    ]


@pytest.mark.parametrize(("padding", "read"), [(1000, True), (3000, False)])
def test_hostile_line_does_not_stall_a_pattern(padding: int, read: bool) -> None:
    """Work per line is bounded: what stands far behind in a message is searched by no pattern."""
    text = f"E (1) app: {'x' * padding} socket: errno 23 (Too many open files in system)\n"
    assert any(isinstance(event, SocketRefused) for event in events_of(text)) == read
