"""Tables of predictions as files."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from hiermix.artefacts.prediction_files import table_of, write_file, write_text
from hiermix.data.new_rows import Chunk
from hiermix.errors import EnvironmentFault
from hiermix.studies.predict import Batch
from hiermix.studies.predict.summary import Summary


def batch(n=2, categories=None, **kept):
    lines = n * (1 if categories is None else len(categories))
    numbers = np.arange(1.0, lines + 1)
    kept = {name: np.array(values, dtype=object) for name, values in kept.items()}
    chunk = Chunk(np.arange(1, n + 1), {}, kept)
    new = np.array([""] * (n - 1) + ["g"], dtype=object)
    summary = Summary(numbers, numbers / 3, -numbers, numbers + 1)
    return Batch(chunk, categories, summary, new)


def text(tables, format):
    stream = io.StringIO()
    write_text(stream, tables, format)
    return stream.getvalue()


def test_csv_has_a_header_and_every_digit():
    shown = text([table_of(batch(g=['a "b", c', "d"]))], "csv").splitlines()
    assert shown == [
        "row,g,new_levels,mean,sd,lower,upper",
        '1,"a ""b"", c",,1.0,0.3333333333333333,-1.0,2.0',
        "2,d,g,2.0,0.6666666666666666,-2.0,3.0",
    ]


def test_batches_follow_one_another_under_one_header():
    shown = text([table_of(batch(1, g=["a"])), table_of(batch(1, g=["b"]))], "csv")
    assert len(shown.splitlines()) == 3


def test_categories_have_a_line_each():
    table = table_of(batch(2, ("lo", "hi"), g=["a", "b"]))
    assert table["row"] == [1, 1, 2, 2]
    assert table["g"] == ["a", "a", "b", "b"]
    assert table["category"] == ["lo", "hi", "lo", "hi"]
    assert table["new_levels"] == ["", "", "g", "g"]
    assert table["mean"] == [1.0, 2.0, 3.0, 4.0]


def test_columns_of_the_data_never_take_the_place_of_predictions():
    table = table_of(batch(1, mean=[7], row=["x"]))
    assert (table["data_mean"], table["data_row"]) == ([7], ["x"])
    assert (table["mean"], table["row"]) == ([1.0], [1])


def test_numbers_that_are_missing_are_empty_or_null():
    found = batch(1)
    found.summary.mean[0] = np.nan
    assert ",,0.3333333333333333" in text([table_of(found)], "csv")
    (record,) = json.loads(text([table_of(found)], "json"))
    assert record["mean"] is None
    (record,) = json.loads(text([table_of(batch(1, k=[float("inf")]))], "json"))
    assert record["k"] is None


def test_json_is_valid_without_rows_too():
    assert json.loads(text([], "json")) == []


def test_parquet_keeps_types_whatever_the_first_batch_holds(tmp_path):
    kept = {"k": "int64", "t": "string", "b": "bool"}
    first = table_of(batch(1, k=[None], t=[None], b=[None]))
    second = table_of(batch(1, k=[5], t=["x"], b=[True]))
    write_file(tmp_path / "out.parquet", [first, second], "parquet", kept)
    found = pd.read_parquet(tmp_path / "out.parquet", dtype_backend="numpy_nullable")
    assert found["k"].tolist() == [pd.NA, 5]
    assert found["t"].tolist() == [pd.NA, "x"]
    assert found["b"].tolist() == [pd.NA, True]


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_table_that_breaks_off_leaves_the_old_file(tmp_path, format):
    def broken():
        yield table_of(batch(1))
        raise EnvironmentFault("run.damaged", "no more draws")

    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(EnvironmentFault, match="no more"):
        write_file(path, broken(), format, {})
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert path.read_text() == "old"


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(EnvironmentFault, match="cannot write"):
        write_file(tmp_path / "no" / "out.csv", [table_of(batch(1))], "csv", {})
