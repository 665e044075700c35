"""The page on the report names every section, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from hiermix.artefacts.describe import MAX_NAMED
from hiermix.artefacts.equations import MAX_SUMMANDS
from hiermix.artefacts.model_view import MAX_PRIORS
from hiermix.artefacts.plots.forest import EACH_END, MAX_LEVELS
from hiermix.artefacts.plots.gallery import MAX_TERMS
from hiermix.artefacts.questions_view import SHOWN
from hiermix.design.facts import FEW_VALUES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "report.md").read_text(encoding="utf-8")
TEMPLATES = ROOT / "hiermix" / "artefacts" / "templates"
PARTS = sorted((TEMPLATES / "report").glob("*.j2"))


def headings(part: Path) -> list[str]:
    return re.findall(r"<h2>([^{<]+)</h2>", part.read_text(encoding="utf-8"))


def test_every_section_is_in_the_table() -> None:
    named = re.findall(r"^\| ([^|]+) \|", PAGE, flags=re.MULTILINE)
    sections = [heading for part in PARTS for heading in headings(part)]
    assert len(sections) >= 13
    assert [section for section in sections if section not in named] == []


def test_every_part_of_the_template_is_used() -> None:
    page = (TEMPLATES / "report.html.j2").read_text(encoding="utf-8")
    assert [part.name for part in PARTS if f"report/{part.name}" not in page] == []


def anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE))))
def test_links_lead_to_a_heading_that_is_there(link: str) -> None:
    name, _, place = link.partition("#")
    text = (DOCS / name).resolve().read_text(encoding="utf-8")
    known = {anchor(h) for h in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)}
    assert not place or place in known


def test_the_limits_are_those_of_the_code() -> None:
    for told in (
        f"more than {MAX_SUMMANDS} summands",
        f"{MAX_PRIORS} priors",
        f"words name {MAX_NAMED} terms",
        f"Up to {MAX_LEVELS} levels",
        f"{EACH_END} at each end",
        f"The first {MAX_TERMS} group terms",
        f"{SHOWN} rows of each at most",
        f"{FEW_VALUES} different",
    ):
        assert told in re.sub(r"\s+", " ", PAGE), told
