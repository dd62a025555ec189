"""The documentation of faults is generated from the catalogue, and is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen import findings
from halfopen.findings import page

DOCS = Path(__file__).parents[2] / "docs" / "faults"

SECTIONS = ("What it detects", "Why the link dies", "Evidence", "Remedy", "References")


@pytest.mark.parametrize("entry", findings.catalogue(), ids=lambda entry: entry.code)
def test_a_page_says_everything(entry: findings.Fault) -> None:
    text = page.as_markdown(entry)
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == list(SECTIONS)
    for said in (
        entry.title,
        entry.detects,
        entry.why,
        *entry.evidence,
        entry.remedy.summary,
        *entry.references,
    ):
        assert said in text
    for language, code in zip(("c", "cpp", "yaml", "python"), entry.remedy.code.values(), strict=True):
        assert f"```{language}\n{code}\n```\n" in text


def test_the_documentation_is_up_to_date() -> None:
    written = {file.name: file.read_text(encoding="utf-8") for file in DOCS.glob("*.md")}
    stale = sorted(name for name, text in page.pages().items() if written.get(name) != text)
    assert not stale, "run: python -m halfopen.findings.page docs/faults"
    assert set(written) == set(page.pages())


def test_main_writes_every_page_and_removes_stale_ones(tmp_path: Path) -> None:
    folder = tmp_path / "faults"
    folder.mkdir()
    (folder / "HO999.md").write_text("no such fault")
    assert page.main([str(folder)]) == 0
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == page.pages()


def test_main_wants_one_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert page.main([]) == 2
    assert "usage" in capsys.readouterr().err
