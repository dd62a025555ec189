"""Draws the pictures of the documentation: real reports and a proof, looked at with Chromium.

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
#: Picture → fault that is proved; both timelines are shown.
PROOFS = {"proof": "HO601"}
WIDTH = 1000


def pages() -> dict[str, str]:
    """The pages to look at, by the names of their pictures."""
    from halfopen.diagnose import diagnose, excerpts
    from halfopen.diagnose.report import as_html as of_report
    from halfopen.prove import as_html as of_proof
    from halfopen.prove import prove, scenario_of

    found: dict[str, str] = {}
    for name, paths in PICTURES.items():
        given = [str(ROOT / path) for path in paths]
        report = diagnose(*given)
        found[name] = of_report.as_html(report, excerpts(given, report))
    for name, code in PROOFS.items():
        found[name] = of_proof.as_html(prove(scenario_of(code)))
    return found


def main(folder: Path) -> int:
    """Write every picture into ``folder``; 1 without a browser."""
    from playwright.sync_api import sync_playwright

    browser_path = shutil.which("chromium")
    if browser_path is None:
        print("pictures need Chromium (Debian: apt-get install chromium)", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for name, html in pages().items():
            file = Path(scratch) / f"{name}.html"
            file.write_text(html, encoding="utf-8")
            for scheme in ("light", "dark"):
                scale = 1.0 if name in PROOFS else 1.2  # two timelines are a large picture
                page = browser.new_page(
                    viewport={"width": WIDTH, "height": 1400}, color_scheme=scheme, device_scale_factor=scale
                )
                page.goto(file.as_uri())
                page.wait_for_timeout(200)
                end = page.locator(".legend").last.bounding_box()
                height = round(end["y"] + end["height"] + 12)
                target = folder / f"{name}-{scheme}.png"
                clip = {"x": 0, "y": 0, "width": WIDTH, "height": height}
                page.screenshot(path=target, clip=clip, full_page=True)
                print(f"{target} ({target.stat().st_size // 1000} KB)")
                page.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures"))
