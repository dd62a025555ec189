"""Thinning loses nothing that stands out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.pages.drawing import drawing
from halfopen.pages.picture import Kind, Lane, Mark, Picture, Place, Row, Sample, Section, Series, Span
from halfopen.pages.sheet import embedded, shown
from halfopen.pages.thinning import quoted, thin_marks, thin_samples, thin_spans

BAD, GOOD = Kind("bad", "cross", "bad"), Kind("good", "dot", "good")
BUCKETS = 10


def line(number: int) -> Place:
    return Place("uart.log", number, None, f"line {number}")


def samples(values: list[float]) -> list[Sample]:
    return [Sample(float(number), value, line(number + 1)) for number, value in enumerate(values)]


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=400))
def test_extremes_ends_and_quotes_of_a_series_stay(values: list[int]) -> None:
    every = samples([float(value) for value in values])
    kept = {quoted(every[len(every) // 2].place)}
    few = thin_samples(every, 0.0, float(len(every)), kept, BUCKETS)
    assert len(few) <= 5 * BUCKETS + len(kept)
    assert [s.x for s in few] == sorted(s.x for s in few)
    assert set(few) <= set(every)
    assert max(s.y for s in few) == max(values)
    assert min(s.y for s in few) == min(values)
    assert (few[0], few[-1]) == (every[0], every[-1])
    assert any(quoted(s.place) in kept for s in few)


def test_every_bucket_keeps_its_own_extremes() -> None:
    every = samples([float((number * 37) % 101) for number in range(1000)])
    few = thin_samples(every, 0.0, 1000.0, (), BUCKETS)
    for bucket in range(BUCKETS):
        inside = [s.y for s in every if bucket * 100 <= s.x < bucket * 100 + 100]
        left = [s.y for s in few if bucket * 100 <= s.x < bucket * 100 + 100]
        assert (max(left), min(left)) == (max(inside), min(inside))


@given(st.lists(st.tuples(st.integers(0, 99), st.sampled_from([BAD, GOOD])), max_size=300))
def test_marks_are_counted_and_none_of_a_kind_vanishes(found: list[tuple[int, Kind]]) -> None:
    marks = [
        Mark(float(x), kind, line(n + 1)) for n, (x, kind) in enumerate(sorted(found, key=lambda f: f[0]))
    ]
    few = thin_marks(marks, 0.0, 100.0, {quoted(line(5))}, BUCKETS)
    assert sum(mark.count for mark in few) == len(marks)
    assert {m.kind for m in few} == {m.kind for m in marks}
    if len(marks) > 4:
        assert any(mark.place.line == 5 for mark in few)


def test_short_stretches_join_to_the_worst() -> None:
    spans = [Span(n / 10, n / 10 + 0.1, BAD if n == 77 else GOOD, line(n + 1)) for n in range(1000)]
    few = thin_spans(spans, 0.0, 100.0, (), BUCKETS)
    assert len(few) <= BUCKETS + 1
    assert few[0].start == 0.0
    assert few[-1].end == spans[-1].end
    assert [span.kind for span in few].count(BAD) == 1
    assert few[0].detail == "100 short ones here"


def picture(lanes: list[Lane]) -> Picture:
    return Picture("t", [Section(0.0, 86_400.0, 0.0, 1.0, "elapsed", "uart.log")], lanes)


def test_a_day_keeps_milliseconds() -> None:
    lane = Lane("l", series=[Series("s", [Sample(81_234.567, 1.0, line(1))])])
    assert drawing(picture([lane]))["lanes"][0]["series"][0]["x"] == [81_234.567]


def test_texts_are_there_once_and_spelled() -> None:
    marks = [
        Mark(float(n), BAD, Place("/some/where/uart.log", n, None, "the same secret")) for n in range(50)
    ]
    data = drawing(
        picture([Lane("l", rows=[Row("r", marks=marks)])]),
        lambda text: text.replace("secret", "***"),
        lambda name: name.rpartition("/")[2],
    )
    assert data["texts"] == ["", "the same ***"]
    assert data["sources"] == ["uart.log"]
    assert "secret" not in json.dumps(data)


@given(st.text())
def test_nothing_in_data_can_end_its_element(text: str) -> None:
    embedded_text = str(embedded({"text": text}))
    assert not set("<>&\u2028\u2029\u202e\u2066") & set(embedded_text)
    shown_text = "".join(c if c.isprintable() or c < " " else "\ufffd" for c in text)
    assert json.loads(embedded_text)["text"] == shown_text


@pytest.mark.parametrize("character", "\u202e\u2066\u061c\u200b\u00ad")
def test_what_the_script_shows_is_not_disguised(character: str) -> None:
    assert json.loads(str(embedded([f"a{character}b"]))) == ["a\ufffdb"]


@given(st.text())
def test_shown_text_has_no_controls_and_no_overrides(text: str) -> None:
    assert all(c.isprintable() or c in "\n\t" for c in shown(text))
    assert len(shown(text)) == len(text)
