"""Columns that come with types: Parquet and results of queries."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hiermix.data import Source, read_frame
from hiermix.errors import HiermixError


@pytest.fixture
def column(tmp_path):
    def read(values, role="any", missing="error", **types):
        array = values if isinstance(values, pa.Array) else pa.array(values)
        pq.write_table(pa.table({"x": array}), tmp_path / "d.parquet")
        source = Source("d.parquet", types=types, missing=missing)
        frame = read_frame(source, tmp_path, {"x": role})
        return frame.table["x"]

    return read


@pytest.fixture
def refused(column):
    def read(*args, **kwargs):
        with pytest.raises(HiermixError) as caught:
            column(*args, **kwargs)
        return caught.value

    return read


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (pa.array([1, 2], pa.int8()), "int64"),
        (pa.array([1, 2], pa.uint64()), "int64"),
        (pa.array([1.5, 2.0], pa.float32()), "float64"),
        (pa.array([1.0, 2.0]), "float64"),
        (pa.array([True, False]), "bool"),
        (pa.array(["b", "a"]), "category"),
        (pa.array(["b", "a"]).dictionary_encode(), "category"),
        (pa.array([decimal.Decimal("1.5"), decimal.Decimal("2.5")]), "float64"),
        (pa.array([decimal.Decimal("15"), decimal.Decimal("25")]), "int64"),
    ],
)
def test_types_of_the_file_are_kept(column, values, dtype):
    read = column(values)
    assert read.dtype == dtype
    assert read.tolist() == pd.Series(values.to_pandas()).tolist()


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([9007199254740993, 9007199254740992], ["9007199254740993", "9007199254740992"]),
        (pa.array([2**63 + 1, 1], pa.uint64()), ["9223372036854775809", "1"]),
        ([10.0, 9.0], ["10", "9"]),
        ([True, False], ["true", "false"]),
        ([decimal.Decimal("1.50")], ["1.50"]),
        ([dt.date(2020, 1, 31)], ["2020-01-31"]),
        (["NA", "DE"], ["NA", "DE"]),
    ],
)
def test_grouping_factors_become_exact_text(column, values, labels):
    assert column(values, role="category").tolist() == labels


@pytest.mark.parametrize(
    ("values", "role", "message"),
    [
        ([1.0, np.inf], "any", "x: inf at row 2 is not finite"),
        (pa.array([2**63], pa.uint64()), "any", "x: 9223372036854775808 at row 1 exceeds 2^53"),
        ([1.5], "category", "x: 1.5 at row 1 is a floating-point number, not a label"),
        ([dt.date(2020, 1, 31)], "any", "x: dates are neither numbers nor labels"),
        ([dt.datetime(2020, 1, 31)], "numeric", "x: dates are neither numbers nor labels"),
        ([[1], [2]], "any", "x: LIST columns are not supported"),
        ([{"a": 1}], "any", "x: STRUCT columns are not supported"),
        ([b"ab"], "any", "x: BLOB columns are not supported"),
        (["1", "2"], "any", "x: holds numbers as text: '1' at row 1; also '2' at row 2 (2 in all)"),
        (
            ["a", "b", "c"],
            "numeric",
            "x: text 'a' at row 1; also 'b' at row 2, 'c' at row 3 (3 in all)",
        ),
        ([None, None], "any", "x: all 2 missing"),
    ],
)
def test_what_has_no_place_in_a_model_is_refused(refused, values, role, message):
    assert refused(values, role).message == message


@pytest.mark.parametrize(
    ("values", "type_", "result"),
    [
        (["1", "2.5"], "numeric", [1.0, 2.5]),
        (["007", "7"], "category", ["007", "7"]),
        ([1, 0], "boolean", [True, False]),
        ([1.0, 0.0], "boolean", [True, False]),
        ([1.0, 2.0], "integer", [1, 2]),
        ([1, 2], "numeric", [1.0, 2.0]),
        ([True, False], "numeric", [1.0, 0.0]),
        ([True, False], "integer", [1, 0]),
        ([1.5, 2.0], "category", ["1.5", "2.0"]),
    ],
)
def test_declared_types_decide(column, values, type_, result):
    assert column(values, x=type_).tolist() == result


@pytest.mark.parametrize(
    ("values", "type_", "message"),
    [
        ([1.5], "integer", "x: 1.5 at row 1 is not an integer"),
        ([2], "boolean", "x: 2 at row 1 is not a truth value"),
        ([2**53 + 1], "numeric", "x: 9007199254740993 at row 1 exceeds 2^53"),
    ],
)
def test_values_that_contradict_the_declared_type_are_refused(refused, values, type_, message):
    error = refused(values, x=type_)
    assert error.message == message
    assert error.where.key == "data.types.x"


def test_nan_is_how_floats_say_missing(column):
    assert column([1.0, np.nan, 3.0], missing="drop").tolist() == [1.0, 3.0]
    assert column([1.0, np.nan, 3.0], "category", missing="drop").tolist() == ["1", "3"]
