"""The lines around quoted ones: numbered and decoded as the diagnosis numbered them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from halfopen.diagnose import diagnose, excerpts
from halfopen.diagnose.sources.excerpt import LineExcerpt

RECORDINGS = Path(__file__).parents[1] / "recordings"
LINES = [f"I ({number}000) NET: line {number}" for number in range(1, 501)]


def excerpt(data: bytes, wanted: set[int], piece: int) -> dict[int, str]:
    reader = LineExcerpt(wanted, 2)
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
    reader.end()
    return reader.lines


@pytest.mark.parametrize("piece", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_split_gives_the_same_lines(piece: int, encoding: str) -> None:
    found = excerpt("\r\n".join(LINES).encode(encoding), {1, 250, 500}, piece)
    assert sorted(found) == [1, 2, 3, 248, 249, 250, 251, 252, 498, 499, 500]
    assert all(text == LINES[number - 1] for number, text in found.items())


def test_an_endless_line_and_binary_cost_nothing() -> None:
    found = excerpt(b"I (1) a: b\n" + b"x" * 3_000_000 + b"\nE (2) c: d\n", {3}, 1 << 16)
    assert found[3] == "E (2) c: d"
    assert found[2] == " …"
    assert excerpt(bytes(range(256)) * 40, {1}, 1 << 16) == {}


@pytest.mark.parametrize("name", ["lwip/a_leaky.uart.log", "field/esphome-wrapped-accept-23.log"])
def test_the_quoted_line_stands_in_its_excerpt(name: str, tmp_path: Path) -> None:
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress((RECORDINGS / name).read_bytes()))
    for path in (str(RECORDINGS / name), str(packed)):
        report = diagnose(path)
        lines = excerpts([path], report)[path]
        quotes = [
            quote for finding in report.findings for quote in finding.evidence if quote.line is not None
        ]
        assert quotes
        for quote in quotes:
            assert lines[quote.line] == quote.text
            assert lines.keys() >= {max(quote.line - 1, 1)}


def test_nothing_is_read_twice_from_standard_input() -> None:
    path = str(RECORDINGS / "lwip/a_leaky.uart.log")
    assert excerpts(["-"], diagnose(path)) == {}
