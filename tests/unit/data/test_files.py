"""Which files are read, and what is said of those that are not."""

import os
import sqlite3

import duckdb
import pandas as pd
import pyarrow.feather as feather
import pytest

from hiermix.data import Source, list_columns, read_frame
from hiermix.errors import DataError, Where

TABLE = pd.DataFrame({"y": [1.0, 2.5], "g": ["a", "b"]})


def message(folder, name, **options):
    with pytest.raises(DataError) as caught:
        read_frame(Source(name, **options), folder, {"y": "any"})
    return caught.value.message


def write(folder, content, name="d.csv"):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(data)
    return name


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no header"),
        (b"y,x\n", "0 rows"),
        (b"y,x\n1,2\n1,2,3\n", "line 3: 3 fields, expected 2"),
        (b"y,x,z\n1,2,3\n1,2\n", "line 3: 2 fields, expected 3"),
        (b'y,x\n1,2\n"1,2\n3,4\n', "quote opened on line 3 never closed"),
        (b"y,x,y\n1,2,3\n", "'y' at columns 1 and 3"),
        (b"y,,x\n1,2,3\n", "column 2 has no name"),
        (b"y;x\n1;2\n", "1 column found; delimiter looks like ';'"),
        ("y,x\n1,é\n".encode("latin-1"), "not UTF-8 at byte 7"),
        ("y,x\n1,2\n".encode("utf-16"), "not UTF-8 (UTF-16 BOM)"),
        (b"\x7fELF\x00\x01\x02y,x\n", "binary data"),
        (b"y,x\n1,a\x00b\n", "binary data"),
    ],
)
def test_structural_faults_are_named_with_their_line(tmp_path, content, words):
    assert words in message(tmp_path, write(tmp_path, content))


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    name = write(tmp_path, b"\xef\xbb\xbfy,x\n1,2\n")
    assert list_columns(Source(name), tmp_path) == ("y", "x")


def test_quoted_delimiters_and_line_breaks_belong_to_the_cell(tmp_path):
    name = write(tmp_path, 'y,g\n1,"a,b"\n2,"c\nd"\n')
    frame = read_frame(Source(name), tmp_path, {"g": "category"})
    assert frame.table["g"].astype(str).tolist() == ["a,b", "c\nd"]


def test_every_format_gives_the_same_frame(tmp_path):
    TABLE.to_csv(tmp_path / "d.csv", index=False)
    TABLE.to_csv(tmp_path / "d.tsv", index=False, sep="\t")
    TABLE.to_parquet(tmp_path / "d.parquet")
    feather.write_feather(TABLE, tmp_path / "d.feather")
    TABLE.to_json(tmp_path / "d.jsonl", orient="records", lines=True)
    with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
        connection.execute("CREATE TABLE t (y DOUBLE, g VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", TABLE.values.tolist())
    lite = sqlite3.connect(tmp_path / "d.sqlite")
    lite.execute("CREATE TABLE t (y REAL, g TEXT)")
    lite.executemany("INSERT INTO t VALUES (?, ?)", TABLE.values.tolist())
    lite.commit()
    lite.close()
    hashes = {
        read_frame(Source(f"d.{suffix}"), tmp_path, {"y": "any", "g": "category"}).sha256
        for suffix in ("csv", "tsv", "parquet", "feather", "jsonl", "duckdb", "sqlite")
    }
    assert len(hashes) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        f"d.{s}" for s in ("csv", "tsv", "parquet", "feather", "jsonl", "duckdb", "sqlite")
    )


def test_a_glob_reads_its_files_in_order_and_wants_one_header(tmp_path):
    write(tmp_path, "y,x\n1,2\n", "a1.csv")
    write(tmp_path, "y,x\n3,4\n", "a2.csv")
    frame = read_frame(Source("a*.csv"), tmp_path, {"y": "any"})
    assert frame.table["y"].tolist() == [1, 3]
    write(tmp_path, "y,z\n3,4\n", "a3.csv")
    assert "a3.csv has other columns than a1.csv" in message(tmp_path, "a*.csv")


def test_a_database_with_several_tables_needs_a_query(tmp_path):
    with duckdb.connect(str(tmp_path / "d.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1.5 AS y")
        connection.execute("CREATE TABLE u AS SELECT 2.5 AS y")
    assert "2 tables (t, u)" in message(tmp_path, "d.duckdb")
    frame = read_frame(Source("d.duckdb", query="SELECT y FROM u"), tmp_path, {"y": "any"})
    assert frame.table["y"].tolist() == [2.5]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing.csv", "no file"),
        ("no*.csv", "no file matches"),
        ("folder", "is a directory"),
        (os.devnull, "is not a regular file"),
        ("loop.csv", "too many levels of symbolic links"),
        ("d.zip", "zip not supported"),
        ("d.csv.gz", "gz not supported"),
        ("d.pkl", "format not known"),
        ("d.parquet", "not a parquet file"),
        ("d.sqlite", "not a sqlite file"),
        ("s3://key:SECRET@bucket/d.csv", "URLs are not allowed"),
    ],
)
def test_what_is_no_data_file_is_refused(tmp_path, name, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    for junk in ("d.zip", "d.csv.gz", "d.pkl", "d.parquet", "d.sqlite"):
        (tmp_path / junk).write_bytes(b"this is not what its name says")
    said = message(tmp_path, name)
    assert words in said
    assert "SECRET" not in said


def test_data_outside_the_allowed_root_are_refused_also_through_links_and_globs(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    write(tmp_path, "y\n1\n", "out.csv")
    (inside / "link.csv").symlink_to(tmp_path / "out.csv")
    for name in ("../out.csv", "link.csv", "../*.csv", str(tmp_path / "out.csv")):
        with pytest.raises(DataError) as caught:
            read_frame(Source(name), inside, {"y": "any"}, data_root=inside)
        assert caught.value.id == "data.outside-root"
    assert read_frame(Source("../out.csv"), inside, {"y": "any"}).n_rows == 1


def test_an_unknown_column_is_answered_with_the_nearest_and_where_it_stands(tmp_path):
    name = write(tmp_path, "sales,x\n1,2\n")
    span = Where(source="sale ~ x", caret=1, width=4)
    with pytest.raises(DataError) as caught:
        read_frame(Source(name), tmp_path, {"sale": "any"}, spans={"sale": span})
    assert caught.value.message == "'sale' not in data; columns: sales, x"
    assert caught.value.hint == "did you mean 'sales'?"
    assert (caught.value.where.key, caught.value.where.caret) == ("model.formula", 1)


def test_a_name_with_blanks_is_told_from_a_missing_one(tmp_path):
    name = write(tmp_path, "y, x\n1,2\n")
    with pytest.raises(DataError, match="column ' x' has surrounding blanks"):
        read_frame(Source(name), tmp_path, {"x": "any"})
