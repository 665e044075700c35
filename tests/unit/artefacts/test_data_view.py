"""The summary of the data."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from model_support import frame_of, panel, spec_of

from hiermix.artefacts.data_view import data_view
from hiermix.artefacts.describe import describe
from hiermix.design import build_design
from hiermix.design.facts import MAX_CATEGORIES, factor_facts, part_facts, response_facts
from tests.unit.artefacts import fabric


def design_of(formula: str, **options):
    spec = spec_of(formula, **options).spec
    return build_design(spec, frame_of(panel(), spec))


def view_of(design):
    manifest = describe(fabric.result(), Path("x"))
    return data_view(replace(manifest, data={**manifest.data, "response": response_facts(design)}))


@pytest.fixture(scope="module")
def manifest():
    return describe(fabric.result(), Path("x"))


def test_rows_read_used_and_dropped_are_told(manifest) -> None:
    facts = dict(data_view(manifest).facts)
    assert facts["Rows read"] == "183"
    assert facts["Rows used"] == "180"
    assert facts["Dropped, no Reaction"] == "2"
    assert facts["Dropped, no Days"] == "1"
    assert "Dropped" not in facts
    none = replace(manifest, data={**manifest.data, "rows_dropped": {"Days": 0}})
    assert dict(data_view(none).facts)["Dropped"] == "none"


def test_each_factor_has_its_levels_and_rows_per_level(manifest) -> None:
    assert data_view(manifest).factors == [
        {
            "factor": "Subject",
            "levels": "18",
            "rows_min": "10",
            "rows_median": "10",
            "rows_max": "10",
            "single_row_levels": "0",
        }
    ]


def test_rows_per_level_are_counted() -> None:
    table = panel()
    (facts,) = factor_facts((design_of("y ~ x + (x | g)").main,))
    counts = table.groupby("g").size()
    assert (facts["levels"], facts["rows_min"], facts["rows_max"]) == (
        len(counts),
        counts.min(),
        counts.max(),
    )
    assert facts["rows_median"] == counts.median()


def test_numbers_have_mean_sd_and_range() -> None:
    y = panel()["y"]
    facts = response_facts(design_of("y ~ x + (1 | g)"))
    assert facts["mean"] == pytest.approx(y.mean())
    assert facts["sd"] == pytest.approx(y.std(ddof=1))
    assert (facts["min"], facts["max"]) == (y.min(), y.max())
    assert "counts" not in facts
    text = view_of(design_of("y ~ x + (1 | g)")).response
    assert text.startswith(f"Mean {y.mean():.4g}, sd {y.std(ddof=1):.4g}, from ")


def test_merged_rows_count_as_often_as_there_were() -> None:
    design = design_of("y ~ x + (1 | g)")
    times = np.arange(design.n_obs) % 3 + 1
    merged = response_facts(replace(design, multiplicity=times, within_ss=5.0))
    rows = np.repeat(design.response.values, times)
    squares = ((rows - rows.mean()) ** 2).sum() + 5.0
    assert merged["mean"] == pytest.approx(rows.mean())
    assert merged["sd"] == pytest.approx(np.sqrt(squares / (len(rows) - 1)))
    # Only means of the rows are known.
    assert (merged["min"], merged["max"]) == (None, None)


def test_few_whole_numbers_are_counted() -> None:
    hits = panel()["hit"].value_counts()
    view = view_of(design_of("hit ~ x + (1 | g)", family="bernoulli"))
    share = 100 * hits[1] / hits.sum()
    assert dict(view.counts)["1"] == f"{hits[1]} ({share:.1f} %)"


def test_values_that_are_hardly_repeated_are_not_counted() -> None:
    design = design_of("hit ~ x + (1 | g)", family="bernoulli")
    few = replace(design.response, values=np.arange(10.0))
    assert "counts" not in response_facts(replace(design, response=few))
    often = replace(design.response, values=np.repeat(np.arange(10.0), 3))
    assert set(response_facts(replace(design, response=often))["counts"].values()) == {3}


def test_proportions_have_successes_of_trials() -> None:
    table = panel()
    text = view_of(design_of("p(k, n) ~ x + (1 | g)", family="binomial")).response
    assert f"{table['k'].sum()} of {table['n'].sum()} trials succeeded" in text
    assert "Rows have 12 to 12 trials" in text


def test_categories_are_counted_by_name() -> None:
    table = panel()
    counts = response_facts(design_of("grade ~ x + (1 | g)", family="categorical"))["counts"]
    assert counts == {str(k): int(n) for k, n in table["grade"].value_counts().items()}
    assert len(counts) <= MAX_CATEGORIES


def test_known_errors_and_censored_rows_are_told() -> None:
    table = panel()
    known = view_of(design_of("y ~ 1 + (1 | g)", known_se="se")).response
    assert f"Known standard errors of {table['se'].min():.4g} to {table['se'].max():.4g}" in known
    censored = view_of(design_of("censored(y, status) ~ x + (1 | g)")).response
    right = (table["status"] == "right").sum()
    assert f"Censored rows: 0 from below, {right} from above" in censored


def test_terms_say_which_effects_are_correlated() -> None:
    facts = part_facts(design_of("y ~ x + (x | g) + (0 + z | g)").main)
    assert [(t["term"], t["correlated"], t["bar"]) for t in facts["group"]] == [
        ("1|g", True, 0),
        ("x|g", True, 0),
        ("z|g", False, 1),
    ]


def test_an_older_manifest_has_a_summary_of_what_it_knows(manifest) -> None:
    known = ("path", "sha256", "rows_read", "rows_used", "rows_dropped")
    old = replace(manifest, data={name: manifest.data[name] for name in known})
    view = data_view(SimpleNamespace(data=old.data, fit=old.fit))
    assert (view.response, view.factors, view.counts) == ("", [], [])
    assert dict(view.facts)["Rows used"] == "180"
