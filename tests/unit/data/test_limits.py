"""A query that would never end, or would fill the memory, is stopped."""

import sqlite3

import pytest

from hiermix.data import Source, engine, read_frame, sqlite
from hiermix.errors import DataError, EnvironmentFault

ENDLESS = (
    "WITH RECURSIVE t(y) AS (SELECT 1 UNION ALL SELECT y + 1 FROM t) SELECT count(*) AS y FROM t"
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "d.csv").write_text("y\n1\n2\n", encoding="utf-8")
    connection = sqlite3.connect(tmp_path / "d.sqlite")
    connection.execute("CREATE TABLE t0 (y REAL)")
    connection.commit()
    connection.close()
    return tmp_path


@pytest.mark.parametrize("name", ["d.csv", "d.sqlite"])
def test_an_endless_query_is_stopped(folder, name, monkeypatch):
    monkeypatch.setattr(engine, "QUERY_SECONDS", 0.3)
    with pytest.raises(DataError) as caught:
        read_frame(Source(name, query=ENDLESS), folder, {"y": "any"})
    assert caught.value.id == "data.query-time"
    assert caught.value.message == "data.query: stopped after 0.3 s"


def test_a_query_that_outgrows_the_memory_is_refused(folder, monkeypatch):
    monkeypatch.setattr(engine, "MEMORY_SHARE", 2e-3)
    query = "SELECT list(a.range) AS y FROM range(100000000) a"
    with pytest.raises(EnvironmentFault, match="not enough memory"):
        read_frame(Source("d.csv", query=query), folder, {"y": "any"})


def test_a_sqlite_result_that_is_too_large_is_refused(folder, monkeypatch):
    monkeypatch.setattr(sqlite, "MOST_CELLS", 20_000)
    query = ENDLESS.replace("count(*) AS y", "y")
    with pytest.raises(DataError, match="more than 20,000 cells"):
        read_frame(Source("d.sqlite", query=query), folder, {"y": "any"})
