"""How large a page is and how long it takes to write and to open, for a day of 100,000 events.

    python bench/bench_page.py

Whole processes; opening is what Chromium itself reports for navigation, load and the first drawn frame, median of five. The
peer of opening is an empty page in the same browser.
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVENTS = 100_000
RUNS = 5
OPENED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"


def a_day() -> str:
    """A log of 24 h with at least ``EVENTS`` events of many kinds."""
    chance = random.Random(7)
    lines = ["rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"]
    stamp = 500
    for number in range(EVENTS):
        stamp += int(86_400_000 / EVENTS * chance.uniform(0.5, 1.5))
        said = (
            f"I ({stamp}) MEM: Free Heap: {180000 - int(number * 0.9) - chance.randrange(4000)} bytes",
            f"I ({stamp}) wifi: RSSI: {-60 - chance.randrange(25)}",
            f"E ({stamp}) NET: recv failed: errno 11 (No more processes) fd=54 after {chance.randrange(5000)} ms",
            f"I ({stamp}) wifi:state: run -> init (c8a0)",
            f"I ({stamp}) mqtt: PINGREQ sent {number}",
        )
        lines.append(said[number % 5])
    return "\n".join(lines)


def main() -> None:
    """Print the figures."""
    browser_path = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder:
        log, page, empty = Path(folder) / "day.log", Path(folder) / "day.html", Path(folder) / "empty.html"
        log.write_text(a_day(), encoding="utf-8")
        empty.write_text("<!doctype html><title>empty</title>", encoding="utf-8")
        halfopen = [sys.executable, "-m", "halfopen", "diagnose", str(log)]
        took = []
        for command in (halfopen, [*halfopen, "--html", str(page)]):
            began = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            took.append(time.perf_counter() - began)
        print(f"{'day of 100,000 lines: text alone':<44} {took[0]:7.2f} s")
        print(
            f"{'the same with the page':<44} {took[1]:7.2f} s   {page.stat().st_size / 1e6:.2f} MB (limit 3 MB)"
        )
        if browser_path is None:
            print("chromium is not installed: nothing opened")
            return
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            opened: dict[Path, list[float]] = {page: [], empty: []}
            for _ in range(RUNS):
                for file, times in opened.items():
                    tab = browser.new_page(viewport={"width": 1440, "height": 1000})
                    tab.goto(file.as_uri())
                    times.append(tab.evaluate(OPENED) / 1000)
                    tab.close()
            browser.close()
        ours, peer = (statistics.median(times) for times in opened.values())
        print(f"{'opened and drawn':<44} {ours:7.2f} s   empty   {peer:7.2f} s   (limit 2 s)")


if __name__ == "__main__":
    main()
