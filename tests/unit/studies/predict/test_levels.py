"""Rows to levels."""

import numpy as np

from hiermix.studies.predict.levels import LevelIndex
from hiermix.studies.predict.stored import StoredColumn, StoredFactor

TEXT = StoredColumn("category")


def values(**columns):
    return {name: np.array(v, dtype=object) for name, v in columns.items()}


def test_fitted_levels_are_found_and_new_ones_are_numbered():
    factor = StoredFactor(("g",), (("a",), ("b",), ("c",)))
    found = LevelIndex(factor, {"g": TEXT}).of_rows(values(g=["c", "x", "a", "y", "x"]))
    assert found.place.tolist() == [2, -1, 0, -1, -1]
    assert found.new == (("x",), ("y",))
    assert found.which.tolist() == [-1, 0, -1, 1, 0]


def test_a_combination_that_was_not_fitted_is_new_though_its_parts_are_known():
    factor = StoredFactor(("a", "b"), (("p", "1"), ("q", "2")))
    index = LevelIndex(factor, {"a": TEXT, "b": TEXT})
    found = index.of_rows(values(a=["q", "p", "p", "z"], b=["2", "2", "1", "1"]))
    assert found.place.tolist() == [1, -1, 0, -1]
    assert found.new == (("p", "2"), ("z", "1"))


def test_combinations_with_the_same_text_are_told_apart():
    factor = StoredFactor(("a", "b"), (("x:y", "z"), ("u", "y:z")))
    index = LevelIndex(factor, {"a": TEXT, "b": TEXT})
    found = index.of_rows(values(a=["x", "x:y"], b=["y:z", "z"]))
    assert found.place.tolist() == [-1, 0]


def test_numbers_name_levels_as_the_fit_did():
    factor = StoredFactor(("year",), (("2001",), ("2002",)))
    index = LevelIndex(factor, {"year": StoredColumn("int64")})
    found = index.of_rows({"year": np.array([2002.0, 2001.0, 2001.5])})
    assert found.place.tolist() == [1, 0, -1]
    assert found.new == (("2001.5",),)
