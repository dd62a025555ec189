"""A real browser that tells on the page it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.pages.sheets import DESK, report_page, settle


@pytest.fixture(scope="session")
def browser(require_tool: Callable[[str], str]) -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    path = require_tool("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Callable[..., Any]:
    """``opened(html, size, scheme)``: the page, in a context manager that fails on console errors and on requests."""

    @contextmanager
    def open_page(
        html: str, size: tuple[int, int] = DESK, scheme: str = "light", **more: Any
    ) -> Iterator[Any]:
        file = tmp_path / "report.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, **more
        )
        said: list[str] = []
        asked: list[str] = []
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        settle(page)
        yield page
        context.close()
        assert said == []
        assert {url.partition("#")[0] for url in asked} == {file.as_uri()}

    return open_page


@pytest.fixture(scope="session")
def leaky() -> str:
    """The page on the log and capture of a real lwIP running out of sockets."""
    return report_page("lwip/a_leaky.uart.log", "lwip/a_leaky.pcapng")
