"""Charts: well-formed SVG with every value, nothing that a text could smuggle in, and it can be looked at."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pages.sheets import DESK

from halfopen.pages.charts import HEIGHT, WIDTH, Chart, Curve, Scale, alone, svg, written

SVG = "{http://www.w3.org/2000/svg}"
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
points = st.lists(st.tuples(numbers, st.none() | numbers), max_size=12)


@given(st.lists(points, min_size=1, max_size=9), st.text(max_size=20), st.text(max_size=20), st.booleans())
@settings(max_examples=60)
def test_any_chart_is_well_formed_and_shows_every_value_within_its_frame(
    curves: list[Any], title: str, name: str, from_zero: bool
) -> None:
    chart = Chart(title, name, [Curve(name, one) for one in curves], name, from_zero=from_zero)
    root = ET.fromstring(alone([chart], title))  # noqa: S314  our own
    markers = [one for one in root.iter(f"{SVG}path") if "point" in one.get("class", "")]
    assert len(markers) == sum(y is not None for curve in curves for _, y in curve)
    for marker in markers:
        x, y = map(float, marker.get("transform", "").removeprefix("translate(").rstrip(")").split())
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert "<script" not in str(svg(chart))


def test_words_stand_at_equal_distances_and_gaps_stay_gaps() -> None:
    scale = Scale(["none", "min", "max"], 0, 90, False)
    assert [scale.place(word) for word in scale.ticks()] == [15, 45, 75]
    drawn = str(svg(Chart("t", "x", [Curve("", [(1, 1.0), (2, None), (3, 3.0)])])))
    line = drawn.partition('class="line t0 d0" d="')[2].partition('"')[0]
    assert line.count("M") == 2
    assert "L" not in line


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (5, "5"), (12345.0, "12,345"), (99.7134, "99.71"), (0.0123, "0.0123"), ("min", "min")],
)
def test_values_are_written_for_people(value: float | str, text: str) -> None:
    assert written(value) == text


def test_a_sweeps_page_can_be_looked_at(opened: Callable[..., Any], tmp_path: Path) -> None:
    from click.testing import CliRunner

    from halfopen.cli import cli

    page = tmp_path / "sweep.html"
    args = ["sweep", "--vary", "policy.keepalive.idle=5,30,60", "--vary", "power_save=none,min"]
    done = CliRunner().invoke(
        cli, [*args, "--devices", "2", "--hours", "1", "--jobs", "1", "--html", str(page)]
    )
    assert done.exit_code == 0, done.output
    for size, scheme in ((DESK, "light"), ((390, 844), "dark")):
        with opened(page.read_text(), size, scheme) as browsed:
            boxes = [one.bounding_box() for one in browsed.locator(".charts svg").all()]
            assert len(boxes) == 8
            assert all(
                box["width"] > 200 and box["x"] >= 0 and box["x"] + box["width"] <= size[0] for box in boxes
            )
            assert browsed.locator(".legend li").count() == 2
            strokes = {
                browsed.locator(".charts svg")
                .first.locator(f".line.t{number}")
                .evaluate("e => getComputedStyle(e).stroke")
                for number in (0, 1)
            }
            assert len(strokes) == 2
            assert "none" not in strokes
            assert browsed.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
