"""New rows: read as the fit read them, a chunk at a time."""

import numpy as np
import pandas as pd
import pytest

from hiermix.data import Source, new_rows
from hiermix.data.new_rows import open_new_rows, replaced
from hiermix.errors import InputErrors

WANTED = {"x": "numeric", "g": "category"}


def rows_of(path, wanted=WANTED, welcome=None, keep=(), **source):
    source = Source(path=path.name, types={"x": "numeric"}, **source)
    return open_new_rows(source, path.parent, wanted, welcome or {}, keep)


def written(folder, text, name="new.csv"):
    path = folder / name
    path.write_text(text)
    return path


def test_rows_come_in_chunks_and_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(new_rows, "CHUNK_ROWS", 4)
    lines = "".join(f"{i},g{i % 3},k{i}\n" for i in range(10))
    with rows_of(written(tmp_path, "x,g,k\n" + lines), keep=("k",)) as rows:
        chunks = list(rows.chunks())
        assert rows.n_rows == 10
    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert np.concatenate([c.numbers for c in chunks]).tolist() == list(range(1, 11))
    assert np.concatenate([c.values["x"] for c in chunks]).tolist() == list(range(10))
    assert chunks[1].values["g"].tolist() == ["g1", "g2", "g0", "g1"]
    assert chunks[2].kept["k"].tolist() == ["k8", "k9"]


def test_rows_without_a_value_are_told_and_left_out(tmp_path):
    with rows_of(written(tmp_path, "x,g\n1,a\n,b\n3,\n,d\n")) as rows:
        assert list(rows.missing()) == [("x", 2, ["row 2", "row 4"]), ("g", 1, ["row 3"])]
        assert [chunk.numbers.tolist() for chunk in rows.chunks()] == [[1]]


def test_what_the_spec_calls_missing_is_missing(tmp_path):
    with rows_of(written(tmp_path, "x,g\n-,a\n2,b\n"), na_values=("-",)) as rows:
        assert [name for name, _, _ in rows.missing()] == ["x"]


def test_labels_stay_as_they_stand_and_numbers_are_numbers(tmp_path):
    path = written(tmp_path, "x,g,date,whole,code\n1e2,007,2024-01-02,5,007\n")
    keep = ("g", "date", "whole", "code")
    with rows_of(path, keep=keep) as rows:
        (chunk,) = rows.chunks()
        assert rows.kept_types == {
            "g": "string",
            "date": "string",
            "whole": "int64",
            "code": "string",
        }
    assert chunk.values["x"].tolist() == [100.0]
    assert chunk.values["g"].tolist() == ["007"]
    assert [chunk.kept[name][0] for name in keep] == ["007", "2024-01-02", 5, "007"]


def test_kept_columns_may_lack_values(tmp_path):
    with rows_of(written(tmp_path, "x,g,k\n1,a,\n2,b,3.5\n"), keep=("k",)) as rows:
        (chunk,) = rows.chunks()
    assert chunk.kept["k"].tolist() == [None, 3.5]


def test_integers_of_parquet_name_the_levels_that_csv_names(tmp_path):
    table = pd.DataFrame({"x": [1.5, 2.0], "g": [308, 309], "y": [True, False]})
    table.to_parquet(tmp_path / "new.parquet")
    with rows_of(tmp_path / "new.parquet", keep=("g", "y")) as rows:
        (chunk,) = rows.chunks()
    assert chunk.values["g"].tolist() == ["308", "309"]
    assert chunk.kept["y"].tolist() == [True, False]


def test_welcome_columns_are_read_where_they_are(tmp_path):
    path = written(tmp_path, "x,g,n\n1,a,7\n")
    with rows_of(path, welcome={"n": "numeric", "w": "numeric"}) as rows:
        (chunk,) = rows.chunks()
    assert chunk.values["n"].tolist() == [7.0]
    assert "w" not in chunk.values


def test_columns_are_refused_together(tmp_path):
    path = written(tmp_path, "x,h\n1,a\nmany,b\n")
    with pytest.raises(InputErrors) as caught, rows_of(path):
        pass
    assert {e.id for e in caught.value.flatten()} == {
        "data.unknown-column",
        "data.text-among-numbers",
    }
    placed = replaced(caught.value, "new.csv")
    assert all(e.where.file == "new.csv" and e.where.key is None for e in placed)
    assert not any("data." in e.hint for e in placed)


def test_a_model_without_columns_has_rows_all_the_same(tmp_path):
    with rows_of(written(tmp_path, "a\n1\n2\n"), wanted={}) as rows:
        (chunk,) = rows.chunks()
    assert chunk.numbers.tolist() == [1, 2]
