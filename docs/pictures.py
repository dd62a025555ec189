"""Draws the pictures of the documentation: real reports, looked at with Chromium.

    python docs/pictures.py [FOLDER]

What is shown is the top of the page: the verdict and the timeline. Light and dark, so that a README can offer both.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: Picture → what is diagnosed.
PICTURES = {
    "report": ("examples/running-out-of-sockets/uart.log", "examples/running-out-of-sockets/capture.pcapng"),
    "air": ("tests/recordings/air/s3_ap_restart_open.hwsim0.pcapng",),
}
WIDTH = 1000


def main(folder: Path) -> int:
    """Write every picture into ``folder``; 1 without a browser."""
    from playwright.sync_api import sync_playwright

    from halfopen.diagnose import diagnose, excerpts
    from halfopen.diagnose.report.as_html import as_html

    browser_path = shutil.which("chromium")
    if browser_path is None:
        print("pictures need Chromium (Debian: apt-get install chromium)", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for name, paths in PICTURES.items():
            given = [str(ROOT / path) for path in paths]
            report = diagnose(*given)
            file = Path(scratch) / f"{name}.html"
            file.write_text(as_html(report, excerpts(given, report)), encoding="utf-8")
            for scheme in ("light", "dark"):
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": 1400}, color_scheme=scheme, device_scale_factor=1.2
                )
                page.goto(file.as_uri())
                page.wait_for_timeout(200)
                end = page.locator(".legend").bounding_box()
                height = round(end["y"] + end["height"] + 12)
                target = folder / f"{name}-{scheme}.png"
                page.screenshot(path=target, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
                print(f"{target} ({target.stat().st_size // 1000} KB)")
                page.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures"))
