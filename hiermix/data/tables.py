"""Files and databases to raw columns, inside a sandboxed DuckDB."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from hiermix.data.source import Files, path_error
from hiermix.data.structure import check_delimited
from hiermix.errors import DataError, Where

INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
)
WIDE_INTEGERS = frozenset({"UBIGINT", "HUGEINT", "UHUGEINT", "BIGNUM"})
FLOATS = frozenset({"FLOAT", "DOUBLE"})
TEXTS = frozenset({"VARCHAR", "UUID"})
DATES = ("DATE", "TIME", "TIMESTAMP", "INTERVAL")
WHOLE = "[+-]?(0|[1-9][0-9]{0,14})"
"""Cells that are integers, without leading zeros and exact as floats."""

NUMBER = r"[+-]?(0|[1-9][0-9]{0,14})?(\.[0-9]*)?([eE][+-]?[0-9]+)?"
SQLITE_ALLOWED = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
SQLITE_FORBIDDEN = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})


@dataclass(frozen=True)
class RawColumn:
    """One column as read: ``kind`` is text, integer, float, boolean, date or other.

    ``values`` has shape ``(rows,)``; where ``missing`` is true the value means nothing. ``cells``
    says that texts are cells of a delimited file, whose kind has yet to be told.
    """

    name: str
    kind: str
    values: np.ndarray
    missing: np.ndarray
    cells: bool = False
    type: str = ""


class Table:
    """A readable table: names of its columns, and columns by name."""

    names: tuple[str, ...]

    def column(self, name: str, *, labels: bool = False) -> RawColumn:
        """Read one column; with ``labels`` its cells exactly as they stand."""
        raise LookupError(name)


def open_table(files: Files, query: str | None) -> Table:
    """Load files, or a query on them, and lock the engine before any query of the user runs.

    Raises
    ------
    DataError
        A file is not what its name says, or the query fails or is more than one SELECT.
    """
    if files.format == "sqlite":
        return _sqlite_table(files.paths[0], query)
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        },
    )
    loaded = _load(connection, files)
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    cells = files.format in ("csv", "tsv") and query is None
    relation = loaded
    try:
        if query is not None:
            if files.format in ("csv", "tsv"):
                _type_columns(connection)
            relation = _query(connection, query)
        elif files.format == "duckdb":
            relation = _only_table(connection)
        return _DuckTable(connection, relation, cells)
    except duckdb.Error as error:
        raise path_error(
            "data.unreadable", f"{files.paths[0].name}: cannot be read: {_first_line(error)}"
        ) from None


class _DuckTable(Table):
    def __init__(self, connection: Any, relation: str, cells: bool) -> None:
        self._connection = connection
        self._relation = relation
        self._cells = cells
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        self._types = {str(row[0]): str(row[1]) for row in described}
        self.names = tuple(str(row[0]) for row in described)

    def column(self, name: str, *, labels: bool = False) -> RawColumn:
        type = self._types[name]
        quoted = _quote(name)
        if self._cells and not labels:
            # Millions of clean numbers are not worth a look at each.
            type = _clean_type(self._connection, self._relation, quoted) or type
        kind, cast = _kind_of(type.split("(")[0], type)
        if kind in ("date", "other"):
            empty = np.empty(0, dtype=object)
            return RawColumn(name, kind, empty, np.empty(0, dtype=bool), type=type)
        sql = f"SELECT {quoted}::{cast} AS value FROM {self._relation}"
        values = self._connection.execute(sql).fetchnumpy()["value"]
        missing = np.ma.getmaskarray(values)
        cells = self._cells and kind == "text"
        return RawColumn(name, kind, np.ma.getdata(values), missing, cells, type)


def _kind_of(base: str, type: str) -> tuple[str, str]:
    if "[" in type:
        return "other", ""
    if base in INTEGERS:
        return "integer", "BIGINT"
    if base in FLOATS or base == "DECIMAL":
        return "float", "DOUBLE"
    if base == "BOOLEAN":
        return "boolean", "BOOLEAN"
    if base in WIDE_INTEGERS or base in TEXTS or base == "ENUM":
        return "text", "VARCHAR"
    return ("date" if base.startswith(DATES) else "other"), ""


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _load(connection: Any, files: Files) -> str:
    """Load the files as the table ``data``; a .duckdb file is attached read-only."""
    names = [str(path) for path in files.paths]
    try:
        if files.format in ("csv", "tsv"):
            delimiter = "," if files.format == "csv" else "\t"
            headers = [check_delimited(path, delimiter) for path in files.paths]
            _same_columns(files.paths, headers)
            connection.execute(
                "CREATE TABLE data AS SELECT * FROM read_csv(?, delim=?, header=true, "
                "all_varchar=true, quote='\"', escape='\"', auto_detect=false, strict_mode=true, "
                "nullstr='', max_line_size=16000000, "
                f"columns={{{_columns(headers[0])}}})",
                [names, delimiter],
            )
        elif files.format == "parquet":
            connection.execute("CREATE TABLE data AS SELECT * FROM read_parquet(?)", [names])
        elif files.format == "json":
            connection.execute(
                "CREATE TABLE data AS SELECT * FROM read_json(?, format='newline_delimited', "
                "convert_strings_to_integers=false, maximum_depth=2, sample_size=-1)",
                [names],
            )
        elif files.format == "arrow":
            _load_arrow(connection, files.paths)
        else:
            path = names[0].replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS source (READ_ONLY)")
            connection.execute("USE source")
    except duckdb.Error as error:
        raise path_error(
            "data.unreadable",
            f"{files.paths[0].name}: not a {files.format} file: {_first_line(error)}",
            "the ending of the name tells the format",
        ) from None
    return "data"


def _columns(header: Sequence[str]) -> str:
    pieces = ("'" + name.replace("'", "''") + "': 'VARCHAR'" for name in header)
    return ", ".join(pieces)


def _same_columns(paths: Sequence[Path], headers: Sequence[tuple[str, ...]]) -> None:
    for path, header in zip(paths, headers, strict=True):
        if header != headers[0]:
            raise path_error(
                "data.different-columns",
                f"{path.name} has other columns than {paths[0].name}",
                "all files of a glob need the same header",
            )


def _load_arrow(connection: Any, paths: Sequence[Path]) -> None:
    # Imported here: only this format needs pyarrow.
    import pyarrow as pa
    import pyarrow.feather as feather

    try:
        table = pa.concat_tables([feather.read_table(path) for path in paths])
    except (pa.ArrowInvalid, pa.ArrowTypeError, OSError) as error:
        raise path_error(
            "data.unreadable", f"{paths[0].name}: not an arrow file: {_first_line(error)}"
        ) from None
    connection.register("arrow_rows", table)
    connection.execute("CREATE TABLE data AS SELECT * FROM arrow_rows")
    connection.unregister("arrow_rows")


def _type_columns(connection: Any) -> None:
    """Give the clean columns of numbers a type, so that a query can compute with them.

    Identifiers with leading zeros and columns with any other text in them stay text.
    """
    for row in connection.execute("DESCRIBE data").fetchall():
        name = _quote(str(row[0]))
        kind = _clean_type(connection, "data", name)
        if kind is not None:
            connection.execute(f"ALTER TABLE data ALTER {name} SET DATA TYPE {kind}")


def _clean_type(connection: Any, relation: str, column: str) -> str | None:
    """Return BIGINT or DOUBLE if every cell is such a number and exact in it, else ``None``."""
    whole, number = connection.execute(
        f"SELECT bool_and(regexp_full_match({column}, '{WHOLE}')), "
        f"bool_and(regexp_full_match({column}, '{NUMBER}') "
        f"AND TRY_CAST({column} AS DOUBLE) IS NOT NULL) FROM {relation}"
    ).fetchone()
    return "BIGINT" if whole else "DOUBLE" if number else None


def _query(connection: Any, query: str) -> str:
    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise query_error("data.query must be a single SELECT statement")
        connection.execute(f"CREATE TEMP TABLE result AS {query.strip().rstrip(';')}")
    except duckdb.Error as error:
        raise query_error(f"data.query: {_first_line(error)}") from None
    return "temp.result"


def query_error(message: str) -> DataError:
    """Return an error that points at ``data.query``."""
    return DataError(
        "data.query",
        message,
        Where(key="data.query"),
        "the file is the table `data`; a query can read nothing else",
    )


def _only_table(connection: Any) -> str:
    rows = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_catalog = 'source' ORDER BY 1, 2"
    ).fetchall()
    tables = [f"{_quote(schema)}.{_quote(name)}" for schema, name in rows]
    if len(tables) != 1:
        names = ", ".join(name for _, name in rows) or "none"
        raise DataError(
            "data.which-table",
            f"the database has {len(tables)} tables ({names}); state data.query",
            Where(key="data.path"),
            "for example data.query: SELECT * FROM " + (rows[0][1] if rows else "a_table"),
        )
    return f"source.{tables[0]}"


class _RowTable(Table):
    """Rows of Python values, from sqlite."""

    def __init__(self, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.names = tuple(names)
        self._rows = rows

    def column(self, name: str, *, labels: bool = False) -> RawColumn:
        at = self.names.index(name)
        cells = [row[at] for row in self._rows]
        missing = np.array([cell is None for cell in cells], dtype=bool)
        kinds = {type(cell) for cell in cells if cell is not None}
        if bytes in kinds:
            return RawColumn(name, "other", np.empty(0, dtype=object), missing, type="BLOB")
        if kinds <= {int} and all(abs(cell) < 2**63 for cell in cells if cell is not None):
            whole = np.array([0 if cell is None else cell for cell in cells], dtype=np.int64)
            return RawColumn(name, "integer", whole, missing)
        if kinds <= {int, float}:
            number = np.array([0.0 if cell is None else cell for cell in cells], dtype=np.float64)
            return RawColumn(name, "float", number, missing)
        texts = np.array(["" if c is None else str(c) for c in cells], dtype=object)
        return RawColumn(name, "text", texts, missing)


def _sqlite_table(path: Path, query: str | None) -> Table:
    def authorise(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        allowed = action in SQLITE_ALLOWED and (second or "").lower() not in SQLITE_FORBIDDEN
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    uri = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True)
    try:
        if query is None:
            query = _only_sqlite_table(connection)
        connection.set_authorizer(authorise)
        cursor = connection.execute(query)
        if cursor.description is None:
            raise query_error("data.query must be a single SELECT statement")
        return _RowTable([column[0] for column in cursor.description], cursor.fetchall())
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            raise path_error("data.unreadable", f"{path.name}: not a sqlite file") from None
        raise query_error(f"data.query: {_first_line(error)}") from None
    except sqlite3.Warning as error:
        raise query_error(f"data.query must be a single SELECT statement: {error}") from None
    finally:
        connection.close()


def _only_sqlite_table(connection: sqlite3.Connection) -> str:
    rows = connection.execute(
        "SELECT name FROM sqlite_master "
        "WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    if len(rows) != 1:
        names = ", ".join(row[0] for row in rows) or "none"
        raise path_error(
            "data.which-table",
            f"the database has {len(rows)} tables ({names}); state data.query",
            "for example data.query: SELECT * FROM " + (rows[0][0] if rows else "a_table"),
        )
    return f"SELECT * FROM {_quote(rows[0][0])}"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
