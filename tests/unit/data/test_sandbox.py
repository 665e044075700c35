"""A query can read the data of its spec and nothing else, and can change nothing."""

import sqlite3

import duckdb
import pytest

from hiermix.data import Source, read_frame
from hiermix.errors import DataError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "d.csv").write_text("y,x\n1,2\n3,4\n", encoding="utf-8")
    (tmp_path / "secret.csv").write_text("y\nSECRETVALUE\n", encoding="utf-8")
    return tmp_path


def refused(folder, query, name="d.csv"):
    before = sorted(p.name for p in folder.iterdir())
    with pytest.raises(DataError) as caught:
        read_frame(Source(name, query=query), folder, {"y": "any"})
    assert "SECRETVALUE" not in caught.value.message
    assert sorted(p.name for p in folder.iterdir()) == before


def test_a_query_selects_from_the_table_data(folder):
    frame = read_frame(
        Source("d.csv", query="SELECT y::INT * 2 AS y FROM data WHERE x > 2"), folder, {"y": "any"}
    )
    assert frame.table["y"].tolist() == [6]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_blob('{secret}')",
        "SELECT file AS y FROM glob('{folder}/*')",
        "SELECT * FROM '{secret}'",
        "SELECT (SELECT content FROM read_text('{secret}')) AS y FROM data",
        "COPY data TO '{folder}/out.csv'",
        "ATTACH '{folder}/new.duckdb' AS n",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access=true",
        "PRAGMA database_list",
        "CREATE TABLE t AS SELECT 1",
        "DROP TABLE data",
        "SELECT y FROM data; COPY data TO '{folder}/out.csv'",
        "SELECT y FROM data; SELECT 1",
        "SELECT getenv('HOME') AS y",
        "SELECT * FROM 'https://example.org/d.csv'",
        "EXPORT DATABASE '{folder}/dump'",
        "SELECT nothing",
        "",
    ],
)
def test_queries_that_reach_further_are_refused(folder, query):
    refused(folder, query.format(folder=folder, secret=folder / "secret.csv"))


def test_a_view_in_a_database_reaches_no_file(folder):
    with duckdb.connect(str(folder / "d.duckdb")) as connection:
        connection.execute(f"CREATE VIEW v AS SELECT * FROM read_text('{folder / 'secret.csv'}')")
    refused(folder, "SELECT content AS y FROM v", "d.duckdb")
    refused(folder, None, "d.duckdb")


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH '{folder}/other.sqlite' AS o",
        "INSERT INTO t VALUES (2)",
        "DROP TABLE t",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('x') AS y",
        "SELECT 1 AS y; DROP TABLE t",
        "VACUUM INTO '{folder}/copy.sqlite'",
    ],
)
def test_sqlite_queries_only_select(folder, query):
    connection = sqlite3.connect(folder / "d.sqlite")
    connection.execute("CREATE TABLE t (y REAL)")
    connection.execute("INSERT INTO t VALUES (1.5)")
    connection.commit()
    connection.close()
    refused(folder, query.format(folder=folder), "d.sqlite")
    frame = read_frame(Source("d.sqlite", query="SELECT y FROM t"), folder, {"y": "any"})
    assert frame.table["y"].tolist() == [1.5]
