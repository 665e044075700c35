"""Figures: deterministic, literal labels, nothing global changed."""

import warnings
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from hiermix.artefacts.plots import figures
from hiermix.artefacts.plots.canvas import INK, SVG, XLINK
from hiermix.artefacts.plots.chains import chain_plots
from hiermix.artefacts.plots.gallery import worst_draws
from hiermix.artefacts.plots.predictive import predictive_check
from tests.unit.artefacts import fabric

LABELS = ("<b>&", "$x^2$", r"\frac{1}{2}", "日本語", "a\x00\x1bb", "W" * 90, "🙂", "%s {}", "_")


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(e.itertext()) for e in root.iter(f"{{{SVG}}}text")]


@pytest.fixture(scope="module")
def result():
    return fabric.result(labels=LABELS)


@pytest.fixture(scope="module")
def drawn(result) -> dict[str, str]:
    return figures(result)


def test_each_group_term_has_a_figure(drawn) -> None:
    groups = ["group-1.svg", "shrinkage-1.svg", "group-2.svg", "shrinkage-2.svg"]
    assert list(drawn) == ["forest.svg", *groups, "predictive.svg", "chains.svg"]


def test_the_same_numbers_give_the_same_bytes(result, drawn) -> None:
    assert figures(result) == drawn


def test_labels_are_literal(drawn) -> None:
    found = texts(drawn["group-1.svg"])
    for label in ("<b>&", "$x^2$", r"\frac{1}{2}", "日本語", r"a\x00\x1bb", "🙂", "%s {}", "_"):
        assert label in found
    assert any(text.startswith("WWW") and "…" in text for text in found)


def test_ink_takes_the_colour_of_the_page(drawn) -> None:
    for svg in drawn.values():
        assert INK not in svg
        assert "currentColor" in svg


def test_ids_are_the_figures_own_and_references_resolve(drawn) -> None:
    seen: set[str] = set()
    for svg in drawn.values():
        root = ElementTree.fromstring(svg)
        ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
        assert len(ids) == len(set(ids))
        assert not seen & set(ids)
        seen |= set(ids)
        references = [e.attrib[f"{{{XLINK}}}href"] for e in root.iter(f"{{{SVG}}}use")]
        assert references
        assert {r.removeprefix("#") for r in references} <= set(ids)


def test_nothing_of_a_figure_lies_outside_it(drawn) -> None:
    for svg in drawn.values():
        root = ElementTree.fromstring(svg)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for element in root.iter(f"{{{SVG}}}text"):
            x, y = float(element.get("x", 0)), float(element.get("y", 0))
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_matplotlib_is_left_as_it_was(result) -> None:
    before = dict(matplotlib.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures(result)
    assert dict(matplotlib.rcParams) == before


def test_many_levels_are_cut_to_the_ends() -> None:
    labels = tuple(f"L{i}" for i in range(61))
    found = texts(figures(fabric.result(labels=labels))["group-1.svg"])
    assert len([t for t in found if t.startswith("L")]) == 40
    assert "(21 more)" in found


def test_both_figures_of_a_term_have_the_same_levels_in_the_same_order(drawn) -> None:
    for number in (1, 2):
        shown = [texts(drawn[f"{kind}-{number}.svg"]) for kind in ("group", "shrinkage")]
        levels = [[t for t in found if t in ("日本語", "🙂", "%s {}", "_")] for found in shown]
        assert levels[0] == levels[1]
        assert len(levels[0]) == 4


def test_axes_say_their_unit(drawn) -> None:
    assert "units of Reaction" in texts(drawn["group-1.svg"])
    for name in ("group-2.svg", "shrinkage-2.svg", "forest.svg"):
        assert "units of Reaction, per unit" in texts(drawn[name])


@pytest.mark.parametrize("missing", ["raw_estimate", "lower"])
def test_a_term_without_raw_estimates_or_intervals_has_no_shrinkage_plot(result, missing) -> None:
    effects = result.tables.group_effects.assign(**{missing: np.nan})
    tables = replace(result.tables, group_effects=effects)
    names = list(figures(replace(result, tables=tables)))
    assert not [name for name in names if name.startswith("shrinkage")]


def test_only_the_first_terms_of_many_have_figures(result, monkeypatch) -> None:
    monkeypatch.setattr("hiermix.artefacts.plots.gallery.MAX_TERMS", 1)
    names = list(figures(result))
    assert "group-1.svg" in names
    assert "group-2.svg" not in names


def test_only_the_worst_parameters_of_many_are_traced(result, monkeypatch) -> None:
    monkeypatch.setattr("hiermix.artefacts.plots.gallery.MAX_PARAMETERS", 2)
    summary = result.tables.summary.copy()
    summary["rhat"] = [1.0, 1.2, np.nan, 1.1, 1.0]
    tables = replace(result.tables, summary=summary)
    assert list(worst_draws(replace(result, tables=tables))) == ["Days", "1|Subject_sigma"]


@pytest.mark.parametrize("damage", [np.nan, np.inf, "constant"])
def test_damaged_draws_are_drawn_as_far_as_they_can_be(damage) -> None:
    draws = np.random.default_rng(1).normal(size=(2, 40))
    if damage == "constant":
        draws[:] = 3.0
    else:
        draws[0, 3] = damage
    found = texts(chain_plots({"x": draws}))
    assert ("draws are not finite" in found) == (damage != "constant")


@pytest.mark.parametrize(
    ("observed", "replicated", "label"),
    [
        (np.array([0.0, 1, 1, 0]), np.array([[0, 1, 0, 0], [1, 1, 1, 0]]), "share of rows"),
        (np.linspace(0, 1, 30), np.random.default_rng(1).normal(size=(9, 30)), "cumulative share"),
    ],
)
def test_the_predictive_check_counts_few_values_and_cumulates_many(
    observed, replicated, label
) -> None:
    svg = predictive_check("y", observed, replicated)
    assert svg is not None
    assert label in texts(svg)


def test_the_predictive_check_names_the_categories() -> None:
    codes = np.array([0.0, 1, 2, 0])
    svg = predictive_check("rating", codes, codes[None], ("1", "two", "<3>"))
    assert svg is not None
    assert {"1", "two", "<3>"} <= set(texts(svg))
    assert "2" not in texts(svg)


def test_no_predictive_check_without_finite_outcomes() -> None:
    assert predictive_check("y", np.array([np.nan]), np.array([[1.0]])) is None
    assert predictive_check("y", np.array([1.0]), np.array([[np.nan]])) is None


def test_a_fit_without_replicated_data_has_the_other_figures(result) -> None:
    tree = result.fit.tree.filter(lambda node: node.name != "posterior_predictive")
    assert "posterior_predictive" not in tree.children
    without = replace(result, fit=replace(result.fit, tree=tree))
    assert "predictive.svg" not in figures(without)


def test_an_interval_of_missing_numbers_does_not_stop_the_forest(result) -> None:
    summary = result.tables.summary.assign(mean=np.nan, lower=np.nan, upper=np.nan)
    tables = replace(result.tables, summary=summary)
    spec = SimpleNamespace(outputs=SimpleNamespace(interval=0.9))
    prepared = replace(result.prepared, loaded=SimpleNamespace(spec=spec))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "forest.svg" in figures(replace(result, tables=tables, prepared=prepared))
