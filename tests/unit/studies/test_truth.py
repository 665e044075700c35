"""True effects: reading them from the data, scoring methods against them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_support import Silent

from hiermix import pipeline
from hiermix.errors import DataError, InputErrors, UsageError
from hiermix.spec import load_spec
from hiermix.studies.pooling import METHODS, factor_of
from hiermix.studies.truth import TRUTH_COLUMNS, read_truth, truth_table

SPEC = """\
data: {path: data.csv, types: {g: category, h: category}}
model: {formula: "y ~ x + (x | g) + (1 | g:h)"}
fit: {seed: 1}
gates: {policy: explore}
"""


@pytest.fixture
def prepared(tmp_path: Path) -> pipeline.Prepared:
    rng = np.random.default_rng(1)
    g, h = np.repeat(np.arange(6), 12), np.tile(np.arange(3), 24)
    table = pd.DataFrame({"g": g, "h": h, "x": rng.normal(size=72), "y": rng.normal(size=72)})
    table["slope"], table["cell"], table["noise"] = g / 10, 10 * g + h, np.arange(72.0)
    table["label"] = "a"
    table.to_csv(tmp_path / "data.csv", index=False)
    return pipeline.prepare(load_spec(SPEC, "s.yaml"), tmp_path, Silent())


def test_truths_are_matched_to_levels(prepared, tmp_path: Path) -> None:
    factor = factor_of(prepared, "g")
    assert read_truth(prepared, factor, ["x=slope"], tmp_path)["x"].tolist() == [
        0.0,
        0.1,
        0.2,
        0.3,
        0.4,
        0.5,
    ]
    cells = factor_of(prepared, "g:h")
    found = read_truth(prepared, cells, ["cell"], tmp_path)["Intercept"]
    assert found.tolist() == [
        10.0 * int(a) + int(b) for a, b in (c.split(":") for c in cells.levels)
    ]


def test_without_a_truth_nothing_is_read(prepared, tmp_path: Path) -> None:
    (tmp_path / "data.csv").unlink()
    assert read_truth(prepared, factor_of(prepared, "g"), [], tmp_path) == {}


@pytest.mark.parametrize("asked", ["slope", "z=slope", "x="])
def test_a_term_that_is_not_clear_is_refused(prepared, tmp_path: Path, asked: str) -> None:
    with pytest.raises(UsageError, match="effects by g are Intercept, x"):
        read_truth(prepared, factor_of(prepared, "g"), [asked], tmp_path)


def test_a_truth_that_varies_within_a_level_is_refused(prepared, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--truth x=noise: .* '0' has more"):
        read_truth(prepared, factor_of(prepared, "g"), ["x=noise"], tmp_path)


def test_a_factor_has_to_be_named_where_there_are_several(prepared) -> None:
    with pytest.raises(UsageError, match="the formula has: g, g:h"):
        factor_of(prepared, None)
    with pytest.raises(UsageError, match="no grouping factor 'gg'"):
        factor_of(prepared, "gg")


def levels(**changes) -> pd.DataFrame:
    table = pd.DataFrame(
        {"group": "g", "term": "x", "level": list("abc"), "truth": [0.0, 1.0, 2.0]}
    )
    for method in METHODS:
        table[f"{method}_estimate"] = [0.5, 1.0, 1.0]
        table[f"{method}_lower"] = table[f"{method}_estimate"] - 0.6
        table[f"{method}_upper"] = table[f"{method}_estimate"] + 0.6
    return table.assign(**changes)


def test_scores_are_error_coverage_and_width() -> None:
    table = truth_table(levels(), METHODS)
    assert tuple(table.columns) == TRUTH_COLUMNS
    assert table["method"].tolist() == list(METHODS)
    row = table.iloc[0]
    assert row["levels"] == 3
    assert row["rmse"] == pytest.approx(np.sqrt((0.25 + 0 + 1) / 3))
    assert row["coverage"] == pytest.approx(2 / 3)
    assert row["width"] == pytest.approx(1.2)


def test_all_methods_are_scored_on_levels_that_each_of_them_has() -> None:
    table = truth_table(levels(none_estimate=[0.5, 1.0, np.nan]), METHODS)
    assert table["levels"].tolist() == [2, 2, 2]


def test_without_truths_there_is_no_score() -> None:
    assert len(truth_table(levels(truth=np.nan), METHODS)) == 0


@pytest.mark.parametrize(
    ("column", "said"), [("nothing", "'nothing' not in data"), ("label", "label: ")]
)
def test_a_wrong_column_is_blamed_on_the_option(prepared, tmp_path: Path, column, said) -> None:
    with pytest.raises(InputErrors) as caught:
        read_truth(prepared, factor_of(prepared, "g"), [f"x={column}"], tmp_path)
    (error,) = caught.value.errors
    assert error.message.startswith(f"--truth x={column}: ") and said in error.message
    assert error.where.key is None and "data." not in error.hint
