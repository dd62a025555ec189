"""The page of a proof in a real browser: two pictures on one axis, on a desk and on a phone, for everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.pages.sheets import DESK, PHONE

from halfopen import prove
from halfopen.prove.as_html import as_html


@pytest.fixture(scope="module")
def proof_page() -> str:
    return as_html(prove.prove(prove.scenario_of("HO202")))


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_both_timelines_are_drawn_and_nothing_overflows(
    proof_page: str, opened: Callable[..., Any], size: tuple[int, int], scheme: str
) -> None:
    with opened(proof_page, size, scheme) as page:
        stages = page.locator(".timeline .stage canvas.ground")
        assert stages.count() == 2
        assert all(stages.nth(n).bounding_box()["height"] > 200 for n in range(2))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.locator("h1").inner_text() == "HO202 no-keepalive: A quiet connection without keepalive"
        assert page.locator(".standing").inner_text().strip() == "held"


def test_a_finding_of_either_run_leads_to_its_proof(proof_page: str, opened: Callable[..., Any]) -> None:
    with opened(proof_page) as page:
        assert page.locator("#f1").count() == 1
        assert page.locator("#f1-1").count() == 1
        assert page.locator("[id]").evaluate_all("all => new Set(all.map(e => e.id)).size === all.length")


def test_axe_finds_nothing(proof_page: str, opened: Callable[..., Any]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with opened(proof_page) as page:
        found = Axe().run(page).response["violations"]
        assert not found, [(entry["id"], [node["html"] for node in entry["nodes"]]) for entry in found]
