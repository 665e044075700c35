"""What the report owes to readers, screen readers and printers."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from hiermix.artefacts.describe import describe
from hiermix.artefacts.plots import figures
from hiermix.artefacts.report import render_report
from hiermix.escalation import Attempt
from tests.unit.artefacts import fabric
from tests.unit.artefacts.test_report import Page, page_of

CSS = (Path(render_report.__code__.co_filename).parent / "templates" / "report.css").read_text(
    encoding="utf-8"
)

AA = 4.5
"""Contrast that WCAG 2.2 asks for text, success criterion 1.4.3."""


@pytest.fixture(scope="module")
def plain() -> str:
    return page_of(fabric.result())


@pytest.fixture(scope="module")
def failed() -> str:
    result = fabric.result(findings=(fabric.BROKEN,))
    first = Attempt(1, {}, "first attempt", ("divergences",), 4.0, 1234)
    manifest = describe(result, Path("x"))
    return render_report(
        manifest, result.tables, result.verdict, figures(result), (first, replace(first, number=2))
    )


def inner(tag: str, page: str) -> list[str]:
    return re.findall(rf"<{tag}(?:\s[^>]*)?>(.*?)</{tag}>", page, flags=re.DOTALL)


def test_every_table_and_figure_of_a_failed_run_says_failed(failed: str, plain: str) -> None:
    tables, captions = inner("table", failed), inner("figcaption", failed)
    assert len(tables) >= 9
    assert len(captions) == 7
    for text in [*(inner("caption", table)[0] for table in tables), *captions]:
        assert '<b class="failed">FAILED</b>' in text
    assert "FAILED" not in plain[plain.index("<body") :]


def test_every_table_has_a_caption_and_heads_with_a_scope(plain: str) -> None:
    for table in inner("table", plain):
        assert len(inner("caption", table)) == 1
        heads = re.findall(r"<th\b[^>]*>", table)
        assert heads
        assert all('scope="col"' in head or 'scope="row"' in head for head in heads)


def test_headings_come_in_order(plain: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", plain)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_page_has_a_language_and_figures_say_what_they_show(plain: str) -> None:
    assert '<html lang="en">' in plain
    drawings = re.findall(r"<svg\b[^>]*>\s*<title>(.*?)</title>", plain)
    assert len(drawings) == Page(plain).tags.count("svg") == 7
    assert all(drawings)
    assert plain.count('role="img"') == 7


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    shares = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_has_the_largest_contrast() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_has_enough_contrast(scheme: int) -> None:
    # The second and third blocks of variables change the first.
    blocks = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", b)) for b in CSS.split(":root {")[1:]]
    colours = {**blocks[0], **blocks[scheme]}
    pairs = [(ink, back) for ink in ("ink", "soft", "link") for back in ("page", "card", "code")]
    for status in ("pass", "warn", "fail"):
        pairs += [(ink, f"{status}-back") for ink in (status, "ink", "soft")]
        pairs.append((status, "card"))
    for ink, back in pairs:
        assert contrast(colours[ink], colours[back]) >= AA, (ink, back)


def test_what_is_folded_away_is_printed() -> None:
    printed = CSS.partition("@media print")[2]
    assert re.search(r"details-content \{[^}]*content-visibility: visible", printed)
    assert "position: sticky" not in CSS


def test_the_model_is_told_in_words_maths_and_priors(plain: str) -> None:
    text = Page(plain).text
    for expected in ("In words", "In maths", "1|Subject: 18 levels are pulled towards Intercept"):
        assert expected in text
    (maths,) = inner("div", plain[plain.index('<div class="maths">') :])[:1]
    assert '<i>\u03b2</i><sub>1</sub></span> <span class="name">Days<sub>i</sub>' in maths
    assert "<i>u</i><sub>0,Subject[i]</sub>" in maths


def test_a_run_of_an_older_version_has_a_report() -> None:
    result = fabric.result()
    manifest = describe(result, Path("x"))
    new = ("statement", "words", "conclusions")
    model = {name: value for name, value in manifest.model.items() if name not in new}
    data = {n: v for n, v in manifest.data.items() if n not in ("response", "factors")}
    old = replace(manifest, model=model, data=data)
    text = Page(render_report(old, result.tables, result.verdict, {})).text
    assert "In maths" not in text
    assert "Every prior with its numbers" in text


def test_twelve_thousand_levels_stay_a_small_page() -> None:
    result = fabric.result()
    own = result.tables.group_effects
    times = -(-12_000 // 18)
    many = pd.concat(
        [
            own.assign(
                level=own["level"] + f"-{i}", coefficient_mean=own["coefficient_mean"] + i / 100
            )
            for i in range(times)
        ],
        ignore_index=True,
    )
    result = replace(result, tables=replace(result.tables, group_effects=many))
    page = page_of(result)
    assert f"{18 * times:,} levels" in page
    assert page.count('<tr class="gap">') == 2
    assert len(page.encode()) < 600_000


def test_a_very_long_formula_is_folded_away() -> None:
    result = fabric.result()
    manifest = describe(result, Path("x"))
    formula = "y ~ " + " + ".join(f"predictor_{i}" for i in range(60))
    long = replace(manifest, model={**manifest.model, "formula": formula})
    page = render_report(long, result.tables, result.verdict, {})
    assert f"<summary>The formula has {len(formula)} characters</summary>" in page


def test_terms_without_figures_say_so(monkeypatch) -> None:
    monkeypatch.setattr("hiermix.artefacts.report.MAX_TERMS", 1)
    result = fabric.result()
    drawn = {n: s for n, s in figures(result).items() if not n.endswith("-2.svg")}
    page = render_report(describe(result, Path("x")), result.tables, result.verdict, drawn)
    assert page.count("Figures are drawn of the first 1 group terms") == 1


def test_it_says_how_to_fit_again(plain: str) -> None:
    text = Page(plain).text
    for command in ("hiermix run spec.resolved.yaml --out again", "hiermix gates ."):
        assert command in text
    for fact in ("SHA-256 of the spec", "SHA-256 of the data", "bambi", "nutpie", "Seed"):
        assert fact in text
