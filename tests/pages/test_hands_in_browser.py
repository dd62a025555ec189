"""The page under a reader's hands: what has the focus keeps it, keys reach values, and what is drawn can be told apart."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.pages.sheets import report_page, settle

from halfopen.diagnose import judged
from halfopen.diagnose.report.as_html import as_html
from halfopen.diagnose.sources.console import ConsoleSource

pytestmark = pytest.mark.xdist_group("browser")

#: Keeps what a canvas is asked to write and where symbols are put.
LISTEN = """() => {
    const kept = { texts: [], symbols: [] };
    const fillText = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        kept.texts.push([text, x, y]);
        return fillText.call(this, text, x, y);
    };
    const translate = CanvasRenderingContext2D.prototype.translate;
    CanvasRenderingContext2D.prototype.translate = function (x, y) {
        kept.symbols.push([x, y]);
        return translate.call(this, x, y);
    };
    window.kept = kept;
}"""


def console_page(lines: list[str]) -> str:
    source = ConsoleSource("uart.log")
    events = [*source.feed("\n".join(lines).encode()), *source.end()]
    return as_html(judged([("uart.log", events)]))


def redrawn(page: Any) -> dict[str, list[list[Any]]]:
    """What the next drawing of the whole picture writes and where it puts symbols."""
    page.evaluate(LISTEN)
    page.click('button[data-do="all"]')
    settle(page)
    kept: dict[str, list[list[Any]]] = page.evaluate("window.kept")
    return kept


def test_the_button_keeps_the_focus(opened: Callable[..., Any], leaky: str) -> None:
    with opened(leaky) as page:
        page.focus(".readout button")
        box = page.locator(".stage").bounding_box()
        page.mouse.move(box["x"] + 500, box["y"] + 60)
        settle(page)
        assert page.evaluate("document.activeElement.matches('.readout button')")
        page.set_viewport_size({"width": 1000, "height": 900})
        settle(page)
        assert page.evaluate("document.activeElement.matches('.readout button')")


def test_keys_reach_the_values_of_a_curve(opened: Callable[..., Any]) -> None:
    heap = [180000, 90000, 40000, 60000, 70000]
    lines = [f"I ({1000 + n * 1000}) MEM: Free Heap: {value} bytes" for n, value in enumerate(heap)]
    with opened(console_page(lines)) as page:
        page.focus(".stage")
        said = []
        for _ in range(3):
            page.keyboard.press(".")
            said.append(page.inner_text(".readout").replace("\n", " "))
        assert "180,000 bytes" in said[0]
        assert "40,000 bytes" in said[1]
        assert "70,000 bytes" in said[2]
        assert "uart.log:3" in said[1]


def test_escape_gives_the_wheel_back(opened: Callable[..., Any], leaky: str) -> None:
    with opened(leaky) as page:
        box = page.locator(".stage").bounding_box()
        page.mouse.click(box["x"] + 900, box["y"] + 560)
        page.evaluate("scrollTo(0, 0)")
        page.mouse.wheel(0, 200)
        page.wait_for_timeout(100)
        assert page.evaluate("scrollY") == 0
        page.keyboard.press("Escape")
        page.mouse.wheel(0, 200)
        page.wait_for_timeout(300)
        assert page.evaluate("scrollY") > 0
        assert page.evaluate("document.activeElement.matches('.stage')")


def test_marks_after_a_clock_that_was_set_back_are_drawn(opened: Callable[..., Any]) -> None:
    lines = [f"[02:{minute:02d}:00][D][debug:1]: Free Heap: 90000 bytes" for minute in range(0, 60, 10)]
    lines += ["[02:59:00][E][x:1]: connect failed errno 113"]
    lines += [f"[02:{minute:02d}:30][E][x:1]: connect failed errno 113" for minute in range(0, 50, 5)]
    with opened(console_page(lines)) as page:
        data = json.loads(page.evaluate("document.querySelector('script.data').textContent"))
        marks = sum(len(row["marks"]) for lane in data["lanes"] for row in lane.get("rows", []))
        assert marks >= 11
        kept = redrawn(page)
        assert len({round(x) for x, _ in kept["symbols"]}) >= 11


def test_a_number_that_no_heap_has_stays_beside_its_axis(opened: Callable[..., Any]) -> None:
    heap = [5, 99999999999999999, 12, 1844674407370955]
    lines = [f"I ({1000 + n * 1000}) MEM: Free Heap: {value} bytes" for n, value in enumerate(heap)]
    with opened(console_page(lines)) as page:
        written = [text for text, _, _ in redrawn(page)["texts"]]
        assert "Heap" in written
        scale = [text for text in written if text.endswith("B")]
        assert len(scale) >= 3
        assert max(map(len, scale)) <= 10


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (180000, "180 kB"), (4e6, "4 MB"), (1.2e17, "1.2e+17 B")],
)
def test_bytes_are_written_short(opened: Callable[..., Any], leaky: str, value: float, said: str) -> None:
    script = leaky[leaky.index("const BYTES") : leaky.index("function digits")]
    text = leaky[leaky.index("function bytesText") : leaky.index("function valueText")]
    with opened("<!doctype html><title>x</title><p>x") as page:
        assert page.evaluate(f"(() => {{ {script} {text} return bytesText({value}); }})()") == said


def test_findings_without_room_for_a_label_lie_below_the_labels(opened: Callable[..., Any]) -> None:
    chance = random.Random(1)
    lines, stamp = [], 0
    for number in range(4000):
        stamp += 860 + chance.randrange(-400, 400)
        said = (
            f"E ({stamp}) NET: recv failed: errno {chance.choice([11, 104, 113, 128])} fd={54 + number % 9}",
            f"I ({stamp}) wifi: RSSI: {-40 - chance.randrange(50)}",
            f"I ({stamp}) MEM: Free Heap: {chance.randrange(200000)} bytes",
            f"W ({stamp}) wifi: Disconnected, reason: {chance.choice([2, 4, 8, 200, 201, 205])}",
            f"I ({stamp}) wifi: connected with home{number % 50}, aid = 1, channel 6, bssid = 24:6f:28:00:00:01",
        )
        lines.append(said[number % 5])
    with opened(console_page(lines)) as page:
        kept = redrawn(page)
        labels = [(x, y) for text, x, y in kept["texts"] if text.startswith("HO")]
        pins = json.loads(page.evaluate("document.querySelector('script.data').textContent"))["pins"]
        assert 0 < len(labels) < len(pins), "some have no room for a label"
        lowest = max(y for _, y in labels)
        of_labels = [(x, y) for x, y in kept["symbols"] if y <= lowest]
        assert len(of_labels) == len(labels)
        for x, y in of_labels:
            assert any(abs(x + 8 - lx) < 1 and abs(y + 4.5 - ly) < 1 for lx, ly in labels)


def test_a_window_whose_reopening_was_not_seen_is_told_as_open(opened: Callable[..., Any]) -> None:
    html = report_page("lwip/f1_zero_window_live.uart.log", "lwip/f1_zero_window_live.pcapng")
    start = html.index('class="data">') + len('class="data">')
    data = json.loads(html[start : html.index("</script>", start)])
    fading = [
        span for lane in data["lanes"] for row in lane.get("rows", []) for span in row["spans"] if span[7]
    ]
    assert fading
    with opened(html) as page:
        page.focus(".stage")
        said = set()
        for _ in range(60):
            page.keyboard.press(".")
            said.add(page.inner_text(".readout"))
        assert any(" to at least " in text for text in said)


def test_a_fleet_prints_the_pictures_of_what_is_unfolded(opened: Callable[..., Any]) -> None:
    with opened(report_page("field/ha-five-devices-at-once.log")) as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        settle(page)
        assert page.evaluate("[...document.querySelectorAll('details.device')].every(fold => fold.open)")
        shown = page.evaluate("[...document.querySelectorAll('figure.timeline')].map(f => f.clientWidth > 0)")
        assert shown[0]
        assert not any(shown[1:])
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate("document.querySelectorAll('details.device[open]').length") == 1


@pytest.mark.parametrize(
    "names", [("lwip/a_leaky.uart.log", "lwip/a_leaky.pcapng"), ("field/ha-five-devices-at-once.log",)]
)
def test_landmarks_have_names_of_their_own(opened: Callable[..., Any], names: tuple[str, ...]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with opened(report_page(*names)) as page:
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        settle(page)
        found = Axe().run(page, options={"runOnly": {"type": "rule", "values": ["landmark-unique"]}})
        assert found.violations_count == 0, found.generate_report()


def test_without_script_the_page_says_so_and_has_a_table(browser: Any, leaky: str, tmp_path: Any) -> None:
    file = tmp_path / "page.html"
    file.write_text(leaky, encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    said = page.inner_text(".stage")
    page.locator("figcaption summary").click()
    table = page.inner_text("figcaption table")
    context.close()
    assert "table below" in said
    assert "free heap, lowest" in table
