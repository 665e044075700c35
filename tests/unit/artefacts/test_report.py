"""The report: self-contained, escaped, verdict first."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hiermix.artefacts.describe import describe
from hiermix.artefacts.plots import figures
from hiermix.artefacts.report import _code, render_report
from hiermix.escalation import Attempt
from hiermix.pipeline import RunResult
from tests.unit.artefacts import fabric

CSP = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
)

EVIL = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    '"><svg onload=alert(3)>',
    "{{ 7 * 7 }}",
    "a\x00b\x1b[31m",
    "\u202eevil",
    "&amp;",
    "$x^2$",
    "=1+1",
)

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Tags, ids and attributes of a page; fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text += data


def page_of(result: RunResult) -> str:
    manifest = describe(result, Path("runs/x"))
    return render_report(manifest, result.tables, result.verdict, figures(result))


@pytest.fixture(scope="module")
def plain() -> str:
    return page_of(fabric.result())


@pytest.fixture(scope="module")
def evil() -> str:
    findings = (
        replace(fabric.BROKEN, where=EVIL[0], message=f"worst is {EVIL[0]}", remedy=EVIL[1]),
    )
    return page_of(fabric.result(labels=EVIL, warnings=(EVIL[2],), findings=findings))


def test_it_is_self_contained(plain: str) -> None:
    page = Page(plain)
    assert CSP in plain
    assert plain.index(CSP) < plain.index("<title>")
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(page.tags)
    loads = {"src", "srcset", "data", "action", "href", "xlink:href", "poster"}
    linked = {v for _, key, v in page.attributes if key in loads and not v.startswith("#")}
    # Links to files of the run itself; nothing is loaded from them.
    assert linked == {"spec.resolved.yaml", "group_effects.csv", "variance.csv"}
    assert {tag for tag, key, v in page.attributes if key in loads and v in linked} == {"a"}
    assert not re.search(r"url\((?!#)|@import", plain)
    assert not [key for _, key, _ in page.attributes if key.startswith("on")]


def test_ids_are_unique(plain: str) -> None:
    ids = [value for _, key, value in Page(plain).attributes if key == "id"]
    assert len(ids) == len(set(ids))


def test_the_verdict_comes_first(plain: str) -> None:
    assert plain.index("PASSED WITH WARNINGS") < plain.index("<main>")
    assert "bulk ESS of &#39;1|Subject_sigma&#39; is 380" in plain[: plain.index("<main>")]
    failed = page_of(fabric.result(findings=(fabric.BROKEN,)))
    banner = failed[: failed.index("<main>")]
    assert "<h1>FAILED</h1>" in banner
    assert "the number of divergences is missing" in banner
    passed = page_of(fabric.result(findings=fabric.FINDINGS[:1]))
    assert "<h1>PASSED</h1>" in passed


def test_it_says_what_was_fitted(plain: str) -> None:
    text = Page(plain).text
    for expected in (
        fabric.NOTE,
        "Reaction ~ Days + (Days | Subject)",
        "Normal(mu=298.5, sigma=140.5)",
        "Rows read183",
        "Rows used180",
        "seed 1",
        "hiermix run spec.resolved.yaml",
        "R² marginal",
        "sampler-rhat-common",
    ):
        assert expected.replace(" ", "") in re.sub(r"\s", "", text), expected


def test_every_figure_is_in_it(plain: str) -> None:
    assert Page(plain).tags.count("figure") == 7


def test_text_from_data_is_escaped_in_tables_and_figures(evil: str) -> None:
    page = Page(evil)
    assert not {"script", "img"} & set(page.tags)
    assert "onload" not in {key for _, key, _ in page.attributes}
    assert "<script>alert" not in evil
    assert "{{ 7 * 7 }}" in page.text
    assert "$x^2$" in page.text
    assert page.text.count("<script>alert(1)</script>") >= 5


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("raise `fit.draws` <b>", "raise <code>fit.draws</code> &lt;b&gt;"),
        ("`<i>`", "<code>&lt;i&gt;</code>"),
        ("one ` alone <i>", "one ` alone &lt;i&gt;"),
    ],
)
def test_backticks_become_code_and_nothing_else_becomes_markup(text: str, markup: str) -> None:
    assert _code(text) == markup


def test_control_and_direction_characters_are_spelled_out(evil: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", evil)
    assert r"a\x00b\x1b[31m" in evil
    assert r"\u202eevil" in evil


def test_levels_in_the_middle_of_many_are_left_out_with_a_pointer() -> None:
    many = page_of(fabric.result(labels=tuple(f"L{i:03d}" for i in range(90))))
    assert "Shown are 20 at each end; the 50 in the middle are left out" in many
    assert '<a href="group_effects.csv"><code>group_effects.csv</code></a>' in many
    assert many.count('<th scope="row">L') == 2 * 40
    assert many.count('<tr class="gap"><td colspan="16">50 more</td></tr>') == 2
    assert many.count("Quantiles over all 90 levels of Subject") == 2


def test_a_model_without_groups_figures_or_findings_has_a_report() -> None:
    result = fabric.result(findings=())
    tables = replace(
        result.tables,
        group_effects=result.tables.group_effects.iloc[:0],
        variance=result.tables.variance.iloc[:0],
    )
    text = render_report(describe(result, Path("x")), tables, result.verdict, {})
    page = Page(text)
    assert "no gates" in page.text
    assert "figure" not in page.tags


def test_attempts_are_told_where_there_were_several(plain) -> None:
    result = fabric.result()
    first = Attempt(1, {}, "first attempt", ("divergences", "rhat[common]"), 4.0, 1234)
    second = Attempt(2, {}, "divergences failed: target_accept <0.95> -> 0.9875", (), 2.5, None)
    page = Page(
        render_report(
            describe(result, Path("x")), result.tables, result.verdict, {}, (first, second)
        )
    )
    for text in ("Attempts", "1,234", "divergences, rhat[common]", second.reason, "2.5 s"):
        assert text in page.text
    assert "attempts.jsonl" not in Page(plain).text


def test_the_same_result_gives_the_same_page() -> None:
    result = fabric.result()
    manifest = describe(result, Path("x"))
    pages = {
        render_report(manifest, result.tables, result.verdict, figures(result)) for _ in range(2)
    }
    assert len(pages) == 1


def test_levels_show_raw_estimates_weights_ranks_and_what_they_say() -> None:
    result = fabric.result()
    effects = result.tables.group_effects
    row = effects.iloc[0]
    page = Page(page_of(result))
    for head in ("raw", "raw se", "w", "shrunk by", "rank", "P(best)"):
        assert head in page.text
    assert str(round(row["raw_estimate"])) in page.text
    weights = effects.loc[effects["term"] == "Days", "pooling"]
    pulled = int((1 - weights > 0.5).sum())
    assert f"Days by Subject: levels with 1 - w > 0.5: {pulled} of 18" in page.text
