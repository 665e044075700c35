from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from hiermix.data import Merging, Source, merging, read_frame
from hiermix.errors import InputErrors

WANTED = {"y": "any", "x": "any", "g": "category"}


@pytest.fixture(autouse=True)
def few_rows_are_enough(monkeypatch):
    monkeypatch.setattr(merging, "MERGED_FROM", 100)


def table(n=600, seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(10.0, 2.0, n),
            "hit": rng.integers(0, 2, n),
            "x": rng.choice([0.0, 1.5], n),
            "g": rng.choice(["b", "a", "c"], n),
        }
    )


def store(data: pd.DataFrame, folder: Path, form: str) -> Source:
    path = folder / f"d.{form}"
    if form == "parquet":
        data.to_parquet(path)
    elif form == "csv":
        data.to_csv(path, index=False)
    else:
        with duckdb.connect(str(path)) as con:
            con.register("frame", data)
            con.execute("CREATE TABLE d AS SELECT * FROM frame")
    return Source(path.name)


FORMATS = ("parquet", "csv", "duckdb")


@pytest.mark.parametrize("form", FORMATS)
def test_equal_rows_are_counted_in_the_order_of_their_first(tmp_path, form):
    data = table()
    wanted = {"hit": "any", "x": "any", "g": "category"}
    frame = read_frame(store(data, tmp_path, form), tmp_path, wanted, merging=Merging())
    expected = data.groupby(["hit", "x", "g"], sort=False).size()
    assert list(frame.multiplicity) == list(expected)
    assert list(zip(*frame.table.astype(object).to_numpy().T, strict=True)) == list(expected.index)
    first = data.drop_duplicates(["hit", "x", "g"]).index.to_numpy() + 1
    np.testing.assert_array_equal(frame.row_numbers, first)
    assert list(frame.table["g"].cat.categories) == ["a", "b", "c"]
    assert (frame.n_rows, frame.n_read, len(frame.table)) == (600, 600, 12)
    assert any(text.startswith("600 rows read as 12 different ones") for text in frame.warnings)


@pytest.mark.parametrize("form", FORMATS)
def test_the_averaged_column_keeps_mean_and_sum_of_squares(tmp_path, form):
    data = table()
    frame = read_frame(store(data, tmp_path, form), tmp_path, WANTED, merging=Merging("y"))
    cells = data.groupby(["x", "g"], sort=False)["y"]
    np.testing.assert_allclose(frame.table["y"], cells.mean(), rtol=1e-14)
    within = ((data["y"] - cells.transform("mean")) ** 2).sum()
    assert frame.within_ss == pytest.approx(within, rel=1e-12)


def test_sums_of_squares_survive_a_large_mean(tmp_path):
    data = table().assign(y=lambda d: d["y"] + 1e8)
    frame = read_frame(store(data, tmp_path, "parquet"), tmp_path, WANTED, merging=Merging("y"))
    cells = data.groupby(["x", "g"], sort=False)["y"]
    within = ((data["y"] - cells.transform("mean")) ** 2).sum()
    assert frame.within_ss == pytest.approx(within, rel=1e-6)


def test_the_hash_is_that_of_the_data_whatever_the_format(tmp_path):
    data = table()
    hashes = {
        form: read_frame(store(data, tmp_path, form), tmp_path, WANTED, merging=Merging("y")).sha256
        for form in FORMATS
    }
    assert len(set(hashes.values())) == 1
    more = pd.concat([data, data.iloc[:1]])
    changed = read_frame(store(more, tmp_path, "csv"), tmp_path, WANTED, merging=Merging("y"))
    assert changed.sha256 not in hashes.values()


@pytest.mark.parametrize("form", FORMATS)
def test_rows_that_differ_are_read_one_by_one(tmp_path, form):
    data = table()
    frame = read_frame(store(data, tmp_path, form), tmp_path, WANTED, merging=Merging())
    assert frame.multiplicity is None
    np.testing.assert_array_equal(frame.table["y"], data["y"])
    np.testing.assert_array_equal(frame.row_numbers, np.arange(1, 601))


def test_few_rows_are_read_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "MERGED_FROM", 601)
    source = store(table(), tmp_path, "parquet")
    assert read_frame(source, tmp_path, WANTED, merging=Merging("y")).multiplicity is None


@pytest.mark.parametrize("form", FORMATS)
def test_rows_without_a_value_are_left_out_and_counted(tmp_path, form):
    data = table()
    data.loc[[3, 7, 8], "y"] = np.nan
    data.loc[7, "g"] = None
    source = store(data, tmp_path, form)
    dropping = Source(source.path, missing="drop")
    frame = read_frame(dropping, tmp_path, WANTED, merging=Merging("y"))
    assert (frame.n_rows, frame.n_read, frame.dropped) == (597, 600, {"y": 3, "g": 1})
    kept = data.dropna().groupby(["x", "g"], sort=False)["y"]
    np.testing.assert_allclose(frame.table["y"], kept.mean(), rtol=1e-14)
    assert any("3 of 600 rows dropped" in text for text in frame.warnings)
    with pytest.raises(InputErrors) as caught:
        read_frame(source, tmp_path, WANTED, merging=Merging("y"))
    assert any("first at row 4" in error.message for error in caught.value.flatten())


def test_rows_of_several_files_are_named_by_their_file(tmp_path):
    data = table()
    data.loc[450, "y"] = np.inf
    (tmp_path / "parts").mkdir()
    data.iloc[:400].to_parquet(tmp_path / "parts" / "1.parquet")
    data.iloc[400:].to_parquet(tmp_path / "parts" / "2.parquet")
    source = Source("parts/*.parquet")
    with pytest.raises(Exception, match=r"row 51 of .*2\.parquet"):
        read_frame(source, tmp_path, WANTED, merging=Merging("y"))
    data["y"] = 1.0
    data.iloc[400:].to_parquet(tmp_path / "parts" / "2.parquet")
    assert read_frame(source, tmp_path, WANTED, merging=Merging("y")).n_rows == 600


def test_a_response_of_words_is_no_number_to_average(tmp_path):
    data = table().assign(y=lambda d: np.where(d["hit"] == 1, "yes", "no"))
    frame = read_frame(store(data, tmp_path, "parquet"), tmp_path, WANTED, merging=Merging("y"))
    assert list(frame.table["y"].cat.categories) == ["no", "yes"]
    assert frame.multiplicity.sum() == 600


@pytest.mark.parametrize("asked", [None, Merging()])
def test_texts_mean_the_same_in_place_as_in_memory(tmp_path, asked):
    data = table().assign(g=lambda d: d["g"].map({"a": "1", "b": "w", "c": "x"}))
    source = store(data, tmp_path, "parquet")
    frame = read_frame(source, tmp_path, {"hit": "any", "g": "any"}, merging=asked)
    assert list(frame.table["g"].cat.categories) == ["1", "w", "x"]
    store(data.assign(g=data["g"].replace({"w": "2", "x": "3"})), tmp_path, "parquet")
    with pytest.raises(Exception, match="holds numbers as text"):
        read_frame(source, tmp_path, {"hit": "any", "g": "any"}, merging=asked)


def test_macros_of_a_database_are_not_called(tmp_path):
    data = table()
    source = store(data, tmp_path, "duckdb")
    with duckdb.connect(str(tmp_path / source.path)) as con:
        con.execute("CREATE MACRO favg(x) AS 42.0")
        con.execute("CREATE MACRO var_pop(x) AS -1.0")
        con.execute("CREATE MACRO hash(x) AS 7")
    queried = Source(source.path, query="SELECT * FROM d")
    for asked in (source, queried):
        frame = read_frame(asked, tmp_path, WANTED, merging=Merging("y"))
        cells = data.groupby(["x", "g"], sort=False)["y"]
        np.testing.assert_allclose(frame.table["y"], cells.mean(), rtol=1e-14)
        assert frame.within_ss > 0


def test_a_damaged_file_is_an_error_of_the_data(tmp_path):
    source = store(table(5000), tmp_path, "parquet")
    path = tmp_path / source.path
    content = bytearray(path.read_bytes())
    content[4:-4000] = bytes(len(content) - 4004)
    path.write_bytes(content)
    with pytest.raises(Exception, match=r"d\.parquet") as caught:
        read_frame(source, tmp_path, WANTED, merging=Merging("y"))
    assert caught.value.flatten()[0].id == "data.unreadable"
