"""The same rows in every format are the same frame."""

import json
import sqlite3

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pytest

from hiermix.data import Source, read_frame
from hiermix.errors import HiermixError

TABLE = pd.DataFrame(
    {"y": [1.5, 2.25, -3.0], "g": ["a", "é", "a"], "k": [1, 2, 3], "t": [True, False, True]}
)
WANTED = {"y": "any", "g": "category", "k": "any", "t": "any"}


def write_stream(path):
    table = pa.Table.from_pandas(TABLE)
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


def write_sqlite(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE d (y REAL, g TEXT, k INTEGER, t INTEGER)")
        rows = TABLE.astype(object).to_numpy().tolist()
        database.executemany("INSERT INTO d VALUES (?, ?, ?, ?)", rows)
    database.close()


def write_duckdb(path):
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE d (y DOUBLE, g VARCHAR, k BIGINT, t BOOLEAN)")
        for row in TABLE.astype(object).to_numpy().tolist():
            database.execute("INSERT INTO d VALUES (?, ?, ?, ?)", row)


WRITERS = {
    "d.csv": lambda path: TABLE.to_csv(path, index=False),
    "d.tsv": lambda path: TABLE.to_csv(path, index=False, sep="\t"),
    "d.parquet": lambda path: TABLE.to_parquet(path),
    "d.feather": lambda path: feather.write_feather(TABLE, str(path)),
    "d.arrow": write_stream,
    "d.jsonl": lambda path: TABLE.to_json(path, orient="records", lines=True),
    "d.sqlite": write_sqlite,
    "d.duckdb": write_duckdb,
}


@pytest.fixture(params=WRITERS)
def name(request, tmp_path):
    WRITERS[request.param](tmp_path / request.param)
    return request.param


def of(name):
    return "d" if name in ("d.sqlite", "d.duckdb") else "data"


def types(name):
    return {"t": "boolean"} if name == "d.sqlite" else {}


def test_every_format_gives_the_same_frame(name, tmp_path):
    frame = read_frame(Source(name, types=types(name)), tmp_path, WANTED)
    TABLE.to_csv(tmp_path / "reference.csv", index=False)
    reference = read_frame(Source("reference.csv"), tmp_path, WANTED)
    pd.testing.assert_frame_equal(frame.table, reference.table)
    assert frame.sha256 == reference.sha256
    assert frame.all_columns == tuple(TABLE.columns)


def test_every_format_can_be_queried(name, tmp_path):
    query = f"SELECT g AS grp, 2 * y AS y2, k FROM {of(name)} WHERE k < 3 ORDER BY k DESC; -- end"
    frame = read_frame(Source(name, query=query), tmp_path, {"y2": "any", "grp": "category"})
    assert frame.table["y2"].tolist() == [4.5, 3.0]
    assert frame.table["grp"].tolist() == ["é", "a"]
    assert frame.all_columns == ("grp", "y2", "k")


def test_counts_and_sums_of_a_query_are_integers(name, tmp_path):
    query = f"SELECT g, count(*) AS n, sum(k) AS s FROM {of(name)} GROUP BY g ORDER BY g"
    table = read_frame(Source(name, query=query), tmp_path, {"n": "any", "s": "any"}).table
    assert table.dtypes.astype(str).tolist() == ["int64", "int64"]
    assert table["s"].tolist() == [4, 2]


def test_only_wanted_columns_have_to_be_readable(tmp_path):
    (tmp_path / "d.csv").write_text("y,bad\n1,inf\n2,a\n")
    assert read_frame(Source("d.csv"), tmp_path, {"y": "any"}).n_rows == 2


@pytest.mark.parametrize(
    ("name", "content", "start"),
    [
        ("d.parquet", b"PAR1" + b"\0" * 64 + b"PAR1", "d.parquet: not a parquet file: "),
        ("d.parquet", b"", "d.parquet: not a parquet file: "),
        ("d.arrow", b"ARROW1" + b"\xff" * 64, "d.arrow: not an arrow file: "),
        ("d.feather", b"", "d.feather: not an arrow file: "),
        ("d.sqlite", b"SQLite format 3\0" + b"\xff" * 4096, "d.sqlite: "),
        ("d.duckdb", b"\0" * 8 + b"DUCK" + b"\0" * 8192, "d.duckdb: "),
    ],
)
def test_damaged_files_are_refused(refused, name, content, start):
    error = refused(content, name, y="any")
    assert error.message.startswith(start)
    assert error.exit_code == 2


def test_columns_that_differ_by_case_are_told_apart(tmp_path):
    pd.DataFrame({"x": [1, 2], "X": [3, 4]}).to_parquet(tmp_path / "d.parquet")
    (tmp_path / "d.csv").write_text("x,X\n1,3\n2,4\n")
    for name in ("d.parquet", "d.csv"):
        table = read_frame(Source(name), tmp_path, {"X": "any", "x": "any"}).table
        assert table["X"].tolist() == [3, 4]
        assert table["x"].tolist() == [1, 2]


def test_parquet_files_of_a_glob_need_the_same_types(tmp_path):
    pd.DataFrame({"x": [1, 2]}).to_parquet(tmp_path / "p1.parquet")
    pd.DataFrame({"x": [1.5, 2.5]}).to_parquet(tmp_path / "p2.parquet")
    with pytest.raises(HiermixError, match=r"^p2.parquet: not the columns of p1.parquet$"):
        read_frame(Source("p*.parquet"), tmp_path, {"x": "any"})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"y": 1}', '{"y": 2'], "d.jsonl: line 2: Expecting ',' delimiter"),
        (['{"y": 1}', "", '{"y": NaN}'], "y: 1 missing, first at row 2; set data.missing: drop"),
        (['{"y": 1}', '{"y": -Infinity}'], "y: -Infinity at row 2 is not finite"),
        (['[{"y": 1},', '{"y": 2}'], "d.jsonl: the array has no end"),
        (['[{"y": 1},]'], "d.jsonl: Expecting value: line 1 column 11 (char 10)"),
        (['[{"y": 1}]', '[{"y": 2}]'], "d.jsonl: Extra data: line 2 column 1 (char 11)"),
        (['[{"y": 1}, null]'], "'null' at row 2 is not an object"),
        (["[]"], "d.jsonl: no keys"),
        (['{"y": 1}', "[1, 2]"], "'[1, 2]' at row 2 is not an object"),
        (['{"y": 1, "y": 2}'], 'a key twice at row 1: \'{"y": 1, "y": 2}\''),
        (['{"y": 1}', '{"y": "a"}'], "y: texts, numbers or truth values mixed: '\"a\"' at row 2"),
        (['{"y": 1}', '{"y": false}'], "y: texts, numbers or truth values mixed: 'false' at row 2"),
        (['{"y": {"a": 1}}'], "y: '{\"a\":1}' at row 1 is nested"),
        (['{"y": 1e400}'], "y: 1e400 at row 1 is not finite"),
        (['{"y": "1"}'], "y: holds numbers as text: '1' at row 1"),
        (["{}"], "d.jsonl: no keys"),
    ],
)
def test_json_lines_that_are_not_rows_are_refused(refused, lines, message):
    assert refused("\n".join(lines) + "\n", "d.jsonl", y="any").message == message


@pytest.mark.parametrize("start", ["", "\n \n", "\ufeff"])
def test_an_array_of_objects_is_read_as_lines_are(read, start):
    lines = [{"y": 1.5, "g": "a"}, {"g": "[b", "y": 10**15}, {"y": -2, "g": "c"}]
    text = start + json.dumps(lines, indent=1) + "\n\n"
    frame = read(text, "d.json", y="numeric", g="category")
    assert frame.table["y"].tolist() == [1.5, 1e15, -2.0]
    assert frame.table["g"].tolist() == ["a", "[b", "c"]


def test_json_numbers_are_exact(read):
    lines = [{"k": 9007199254740993, "id": 10**20, "s": "007", "a/b~c": 1.5}, {"k": None, "z": 1}]
    text = "\n".join(map(json.dumps, lines))
    source = {"missing": "drop"}
    frame = read(text, "d.jsonl", source, k="any", id="category", s="category", **{"a/b~c": "any"})
    assert frame.all_columns == ("k", "id", "s", "a/b~c", "z")
    assert frame.table.iloc[0].tolist() == [9007199254740993, "100000000000000000000", "007", 1.5]


@pytest.mark.parametrize("table", ["cells", "typed", "asked", "query_result", "data", "temp"])
def test_a_database_may_call_its_table_anything(tmp_path, table):
    with duckdb.connect(str(tmp_path / "d.duckdb")) as database:
        database.execute(f"CREATE TABLE {table} AS SELECT range AS y FROM range(3)")
    for query in (None, f"SELECT y FROM {table}"):
        frame = read_frame(Source("d.duckdb", query=query), tmp_path, {"y": "any"})
        assert frame.table["y"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["d.sqlite", "d.duckdb"])
def test_a_database_with_two_tables_needs_a_query(name, tmp_path):
    WRITERS[name](tmp_path / name)
    connect = sqlite3.connect if name == "d.sqlite" else duckdb.connect
    database = connect(str(tmp_path / name))
    database.execute("CREATE TABLE e (y INTEGER)")
    database.close()
    with pytest.raises(HiermixError) as caught:
        read_frame(Source(name), tmp_path, WANTED)
    assert caught.value.message == f"{name}: 2 tables: d, e"
    assert read_frame(Source(name, query="SELECT * FROM d"), tmp_path, WANTED).n_rows == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, "a"], "y: text 'a' at row 2 (1 text among numbers)"),
        ([1, b"a"], "y: binary data at row 2"),
        ([0.5, 2**53 + 1], "y: 9007199254740993 at row 2 exceeds 2^53 among decimal numbers"),
    ],
)
def test_sqlite_columns_have_one_type(tmp_path, values, message):
    with sqlite3.connect(tmp_path / "d.sqlite") as database:
        database.execute("CREATE TABLE d (y)")
        database.executemany("INSERT INTO d VALUES (?)", [(value,) for value in values])
    database.close()
    with pytest.raises(HiermixError) as caught:
        read_frame(Source("d.sqlite"), tmp_path, {"y": "any"})
    assert caught.value.message == message


@pytest.mark.parametrize("query", [None, "SELECT * FROM data"])
def test_the_rows_of_a_large_csv_file_keep_their_order(tmp_path, query):
    # DuckDB on several threads shuffles blocks of rows from about 400,000 on.
    n = 400_000
    lines = ["y", *map(str, range(n)), ""]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    frame = read_frame(Source("d.csv", query), tmp_path, {"y": "any"})
    assert frame.table["y"].tolist() == list(range(n))
