"""The table beside a picture tells what a reader of the picture sees."""

from __future__ import annotations

from halfopen.pages.drawing import drawing
from halfopen.pages.moments import MOMENTS_MAX, moments
from halfopen.pages.picture import Kind, Lane, Mark, Picture, Pin, Place, Row, Sample, Section, Series, Span

LOST = Kind("link lost", "down", "bad")
SHUT = Kind("window 0", "hatch", "bad")
JOINING = Kind("joining", "hatch", "warn")
OPEN = Kind("open", "bar", "info")
HEAP = (90.0, 100.0, 40.5, 70.0)


def line(number: int) -> Place:
    return Place("uart.log", line=number)


def picture(*lanes: Lane, pins: tuple[Pin, ...] = ()) -> Picture:
    return Picture("uart.log", [Section(0, 1000, 0, 1, "elapsed", "uart.log")], lanes, pins)


def told(made: Picture) -> list[str]:
    return [moment.what for moment in moments(made)]


def test_stretches_that_are_not_as_they_should_be_are_told_with_their_end() -> None:
    spans = [
        Span(10, 20, OPEN, line(1)),
        Span(30, 40, SHUT, line(2), "2 probes"),
        Span(50, 60, JOINING, line(3)),
        Span(70, 80, SHUT, line(4), fading=True),
    ]
    assert told(picture(Lane("TCP", rows=[Row("to 1.2.3.4", spans)]))) == [
        "window 0: 2 probes, until 40.000 s",
        "joining, until 60.000 s",
        "window 0, at least until 80.000 s; its end was not seen",
    ]


def test_of_a_series_the_extremes_are_told_each_once() -> None:
    heap = Series("free heap", [Sample(n, value, line(n + 1)) for n, value in enumerate(HEAP)])
    flat = Series("in use", [Sample(5, 3, line(9))])
    found = moments(picture(Lane("Heap", "bytes", [heap]), Lane("Descriptors", series=[flat])))
    assert [(m.lane, m.what, m.where) for m in found] == [
        ("Heap", "free heap, first: 90 bytes", "uart.log:1"),
        ("Heap", "free heap, highest: 100 bytes", "uart.log:2"),
        ("Heap", "free heap, lowest: 40.5 bytes", "uart.log:3"),
        ("Heap", "free heap, last: 70 bytes", "uart.log:4"),
        ("Descriptors", "in use, first and lowest and highest and last: 3", "uart.log:9"),
    ]


def test_where_there_is_too_much_findings_and_values_stay_and_events_are_spread() -> None:
    heap = Series("free heap", [Sample(n, value, line(n + 1)) for n, value in enumerate(HEAP)])
    marks = [Mark(n, LOST, line(n)) for n in range(1000)]
    pin = Pin(999, "HO101", "all gone", "bad", "f1", [(999, line(999), "f1-1")])
    found = moments(
        picture(Lane("Heap", series=[heap]), Lane("Wi-Fi", rows=[Row("", (), marks)]), pins=(pin,))
    )
    assert len(found) == MOMENTS_MAX
    assert sum(moment.lane == "finding" for moment in found) == 1
    assert sum(moment.lane == "Heap" for moment in found) == 4
    assert max(moment.x for moment in found if moment.lane == "Wi-Fi") > 950


def test_what_a_clock_that_was_set_back_left_out_of_order_is_drawn_in_order() -> None:
    marks = [Mark(x, LOST, line(n)) for n, x in enumerate((500, 900, 100, 600), 1)]
    samples = [Sample(x, n, line(n)) for n, x in enumerate((500, 900, 100, 600), 1)]
    made = picture(Lane("Wi-Fi", rows=[Row("", (), marks)]), Lane("Heap", series=[Series("heap", samples)]))
    wifi, heap = drawing(made)["lanes"]
    assert [mark[0] for mark in wifi["rows"][0]["marks"]] == [100, 500, 600, 900]
    assert heap["series"][0]["x"] == [100, 500, 600, 900]
    assert heap["series"][0]["number"] == [3, 1, 4, 2]
