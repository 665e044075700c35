"""The user's SQL reads the data, and nothing else."""

import datetime as dt
import os
import sqlite3
import time

import duckdb
import pandas as pd
import pytest

from hiermix.data import Source, read_frame
from hiermix.errors import HiermixError

SECRET = "y,g\n42,secret\n"

ESCAPES = [
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "SELECT * FROM '{folder}/secret.csv'",
    "SELECT content AS y, filename AS g FROM read_text('{folder}/secret.csv')",
    "SELECT file AS g, 1 AS y FROM glob('{folder}/*')",
    "SELECT * FROM sniff_csv('{folder}/secret.csv')",
    "SELECT * FROM read_csv('https://example.org/x.csv')",
    "SELECT getenv('HOME') AS g, 1 AS y",
    "COPY (SELECT 1) TO '{folder}/written.csv'",
    "EXPORT DATABASE '{folder}/written'",
    "ATTACH '{folder}/written.db' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SELECT 1 AS y, 'a' AS g; SELECT 2",
    "CREATE TABLE written AS SELECT 1",
    "WITH i AS (INSERT INTO data VALUES (1, 'a') RETURNING *) SELECT * FROM i",
    "SELECT * FROM hidden",
    "PRAGMA version",
    "CALL pragma_version()",
    "",
    "-- nothing",
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "secret.csv").write_text(SECRET)
    (tmp_path / "d.csv").write_text("y,g\n1,a\n2,b\n")
    pd.DataFrame({"y": [1, 2], "g": ["a", "b"]}).to_parquet(tmp_path / "d.parquet")
    with duckdb.connect(str(tmp_path / "d.duckdb")) as database:
        database.execute("CREATE TABLE data AS SELECT 1 AS y, 'a' AS g")
        database.execute(f"CREATE VIEW leak AS SELECT * FROM '{tmp_path}/secret.csv'")
    return tmp_path


@pytest.mark.parametrize("name", ["d.csv", "d.parquet", "d.duckdb"])
@pytest.mark.parametrize("query", ESCAPES)
def test_a_query_reaches_nothing_but_the_data(folder, name, query):
    before = sorted(os.listdir(folder))
    hidden = pd.DataFrame({"y": [1], "g": ["python variable"]})
    source = Source(name, query=query.format(folder=folder))
    with pytest.raises(HiermixError) as caught:
        read_frame(source, folder, {"y": "any", "g": "category"})
    assert caught.value.id == "data.query"
    assert caught.value.where.key == "data.query"
    assert sorted(os.listdir(folder)) == before
    assert len(hidden) == 1


def test_a_view_inside_a_database_reaches_nothing_either(folder):
    with pytest.raises(HiermixError, match="file system operations are disabled"):
        read_frame(Source("d.duckdb", query="FROM leak"), folder, {"y": "any"})


@pytest.mark.parametrize(
    "query",
    [
        "SELECT load_extension('x')",
        "SELECT readfile('secret.csv')",
        "ATTACH 'secret.csv' AS other",
        "INSERT INTO d VALUES (2)",
        "DROP TABLE d",
        "PRAGMA table_info(d)",
        "SELECT * FROM pragma_database_list",
        "VACUUM INTO 'written.db'",
        "SELECT 1; SELECT 2",
        "CREATE TABLE written (y)",
        "-- nothing",
    ],
)
def test_an_sqlite_query_only_selects(folder, query, monkeypatch):
    monkeypatch.chdir(folder)
    with sqlite3.connect(folder / "d.sqlite") as database:
        database.execute("CREATE TABLE d (y)")
        database.execute("INSERT INTO d VALUES (1)")
    database.close()
    before = sorted(os.listdir(folder)), (folder / "d.sqlite").read_bytes()
    with pytest.raises(HiermixError) as caught:
        read_frame(Source("d.sqlite", query=query), folder, {"y": "any"})
    assert caught.value.id == "data.query"
    assert (sorted(os.listdir(folder)), (folder / "d.sqlite").read_bytes()) == before


def test_a_query_sees_numbers_where_the_file_has_only_text(read):
    content = "x,id,g,bad\n1.5,007,NA,1\n,010,b,inf\n2.5,012,c,x\n"
    query = "SELECT x + 1 AS x, id, length(bad) AS n FROM data WHERE x IS NOT NULL"
    table = read(content, source={"query": query}, x="any", id="category", n="any").table
    assert table["x"].tolist() == [2.5, 3.5]
    assert table["id"].tolist() == ["007", "012"]
    assert table["n"].tolist() == [1, 1]


def test_na_in_the_result_of_a_query_is_still_ambiguous(refused):
    error = refused("x,g\n1,NA\n2,b\n", source={"query": "SELECT g FROM data"}, g="category")
    assert error.message == "g: 1 missing from text 'NA'; set data.na_values"


def test_columns_that_sql_cannot_tell_apart_are_refused(refused):
    error = refused("x,X\n1,2\n", source={"query": "SELECT x FROM data"}, x="any")
    assert error.message == "data.query: columns 'x' and 'X' differ only by case"


def test_a_result_without_rows_is_refused(refused):
    error = refused("x,g\n1,a\n", source={"query": "SELECT x FROM data WHERE x > 9"}, x="any")
    assert error.message == "data.query: 0 rows"


def test_a_column_twice_in_the_result_is_refused(refused):
    error = refused("x,g\n1,a\n", source={"query": "SELECT x, x FROM data"}, x="any")
    assert error.message == "data.query: 'x' at columns 1 and 2"


def test_sql_mistakes_are_told_in_duckdbs_words(refused):
    error = refused("x,g\n1,a\n", source={"query": "SELECT zz FROM data"}, x="any")
    assert error.message.startswith('data.query: Binder Error: Referenced column "zz" not found')


def test_types_reach_the_table_that_a_query_reads(read):
    source = {"types": {"id": "category"}, "query": "SELECT id, length(id) AS n FROM data"}
    assert read("id\n1\n10\n", source=source, n="any", id="any").table["n"].tolist() == [1, 2]


def test_a_query_gives_the_same_rows_every_time(tmp_path):
    lines = "".join(f"{i % 997},{i * 0.1}\n" for i in range(50_000))
    (tmp_path / "d.csv").write_text("g,y\n" + lines)
    source = Source("d.csv", query="SELECT g, avg(y) AS y FROM data GROUP BY g")
    hashes = {read_frame(source, tmp_path, {"g": "category", "y": "any"}).sha256 for _ in range(3)}
    assert len(hashes) == 1


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_times_with_a_zone_do_not_depend_on_that_of_the_machine(tmp_path, monkeypatch, zone):
    late = dt.datetime(2024, 1, 1, 23, tzinfo=dt.UTC)
    pd.DataFrame({"y": [1.0], "t": [late]}).to_parquet(tmp_path / "d.parquet")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        source = Source("d.parquet", query="SELECT y, t, CAST(t AS DATE) AS day FROM data")
        frame = read_frame(source, tmp_path, {"t": "category", "day": "category"})
    finally:
        monkeypatch.undo()
        time.tzset()
    assert frame.table["t"].tolist() == ["2024-01-01 23:00:00+00"]
    assert frame.table["day"].tolist() == ["2024-01-01"]
