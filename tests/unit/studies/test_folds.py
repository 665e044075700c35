"""Which rows are held out together."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_support import Silent

from hiermix import pipeline
from hiermix.errors import InputError, UsageError
from hiermix.spec import load_spec
from hiermix.studies.folds import MOST, deal_levels, deal_rows, factor_to_hold
from tests.unit.summary.small import factor

G = factor("g", tuple("abcdefg"), [0, 0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6])


def test_levels_are_held_out_in_turn() -> None:
    folds = deal_levels(G, None, seed=1)
    assert folds.names == G.levels
    assert folds.held(2).tolist() == [4, 5]
    assert folds.kept(2).tolist() == [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]


def test_levels_are_dealt_whole_and_evenly_by_the_seed() -> None:
    folds = deal_levels(G, 3, seed=1)
    assert folds.names == ("1", "2", "3")
    for level in range(7):
        assert len(set(folds.fold[G.index == level])) == 1
    per_fold = [len(set(G.index[folds.held(k)])) for k in range(3)]
    assert sorted(per_fold) == [2, 2, 3]
    again = [deal_levels(G, 3, seed=seed).fold.tolist() for seed in (1, 2)]
    assert again[0] == folds.fold.tolist() != again[1]


def test_rows_are_dealt_evenly() -> None:
    folds = deal_rows(43, None, seed=1)
    assert sorted(np.bincount(folds.fold).tolist()) == [4] * 7 + [5] * 3
    assert folds.levels is None
    # Fewer rows than the usual folds: each is one.
    assert sorted(deal_rows(6, None, seed=1).fold.tolist()) == list(range(6))


@pytest.mark.parametrize(
    ("deal", "said"),
    [
        (lambda: deal_rows(40, 1, 1), "usage.holdout-folds"),
        (lambda: deal_rows(40, 41, 1), "usage.holdout-folds"),
        (lambda: deal_levels(G, 8, 1), "usage.holdout-folds"),
        (lambda: deal_levels(factor("g", ("a",), [0, 0]), None, 1), "usage.holdout-folds"),
        (lambda: deal_rows(1000, MOST + 1, 1), "usage.holdout-many"),
    ],
)
def test_numbers_of_folds_that_make_no_sense_are_refused(deal, said) -> None:
    with pytest.raises(UsageError) as caught:
        deal()
    assert caught.value.id == said and caught.value.hint


def test_many_levels_are_refused_with_a_way_out() -> None:
    levels = tuple(map(str, range(MOST + 1)))
    many = factor("g", levels, list(range(MOST + 1)))
    with pytest.raises(UsageError) as caught:
        deal_levels(many, None, 1)
    assert (caught.value.id, caught.value.hint) == ("usage.holdout-many", "--folds 10")
    assert deal_levels(many, MOST, 1).names[-1] == str(MOST)


@pytest.fixture
def prepared(tmp_path: Path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"y": rng.normal(size=12), "g": list("aabbccddeeff")})
    table["year"] = [2001, 2002] * 6
    table["gap"] = ["p"] * 11 + [None]
    table["x"] = rng.normal(size=12)
    table.to_csv(tmp_path / "data.csv", index=False)
    text = """
data: {path: data.csv, missing: drop}
model: {formula: "y ~ x + (1 | g)"}
gates: {policy: explore}
fit: {seed: 1}
"""
    return pipeline.prepare(load_spec(text, "s.yaml"), tmp_path, Silent()), tmp_path


def test_a_factor_of_the_formula_or_any_column_is_held_out(prepared) -> None:
    model, root = prepared
    assert factor_to_hold(model, "g", root) is model.design.main.factors[0]
    years = factor_to_hold(model, "year", root)
    assert years.levels == ("2001", "2002") and years.index.tolist() == [0, 1] * 6
    assert factor_to_hold(model, "x", root).n_groups == 12


@pytest.mark.parametrize(("by", "said"), [("gap", "1 row"), ("yaer", "year")])
def test_columns_that_rows_lack_are_refused(prepared, by: str, said: str) -> None:
    model, root = prepared
    with pytest.raises(InputError) as caught:
        factor_to_hold(model, by, root)
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_both_arms_of_a_row_have_its_value_of_any_column(tmp_path: Path) -> None:
    table = pd.DataFrame({"g": list("aabb"), "part": list("xyxy"), "ca": 3, "cb": 4, "u": 9})
    table.to_csv(tmp_path / "data.csv", index=False)
    text = """
data: {path: data.csv}
model: {formula: "p(successes, trials) ~ arm + (1 | g)", family: binomial}
arms:
  control: {successes: ca, trials: u}
  treatment: {successes: cb, trials: u}
  users: per-arm
fit: {seed: 1}
"""
    model = pipeline.prepare(load_spec(text, "s.yaml"), tmp_path, Silent())
    held = factor_to_hold(model, "part", tmp_path)
    assert [held.levels[i] for i in held.index] == list("xxyyxxyy")
