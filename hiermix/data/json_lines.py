"""JSON lines or an array of objects; numbers stay the text that stands there."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import duckdb

from hiermix.data.delimited_faults import check_bytes
from hiermix.data.engine import literal, pattern, said
from hiermix.data.files import DataFiles
from hiermix.data.parts import CELLS, insert_parts, kept
from hiermix.data.table import RawColumn, Table
from hiermix.data.words import PATH, cell
from hiermix.errors import DataError

NUMBERS = frozenset({"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DOUBLE"})
NESTED = frozenset({"ARRAY", "OBJECT"})

ARRAY = 'an array: [{"y": 1.5, "g": "a"}]'

TAIL = 4096
"""Bytes at the end of a file in which an array has to end, blanks after it included."""


def load_json_lines(
    con: duckdb.DuckDBPyConnection, files: DataFiles, keep: Collection[str] | None
) -> Table:
    """Load JSON: one object a line, or an array of objects.

    A column is a key of any object, missing where an object lacks it.

    Parameters
    ----------
    con
        Holds the rows.
    files
        The files, in the order of their rows.
    keep
        Columns to load; ``None`` loads all.

    Raises
    ------
    DataError
        A line or an element is not a JSON object, or has a key twice.
    """
    for path, file in zip(files.paths, files.names, strict=True):
        check_bytes(path, file)
        _refuse_half_array(path, file)
    parts = insert_parts(
        con,
        [
            f"SELECT json FROM read_json_objects({literal(pattern(path))}, "
            f"format = '{'array' if _is_array(path) else 'newline_delimited'}', "
            "compression = 'uncompressed', hive_partitioning = false)"
            for path in files.paths
        ],
        files.names,
        lambda index, error: _explain(files.paths[index], files.names[index], error),
    )
    lines = Table(con, CELLS, (), (), parts)
    _refuse_other_than_objects(lines)
    names = _keys(con)
    if not names:
        raise DataError("data.no-header", f"{files.names[0]}: no keys", PATH)
    chosen = kept(names, keep)
    extracted = ", ".join(
        f"json_extract(json, {literal(_pointer(names[index]))}) AS c{index}" for index in chosen
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE {CELLS} AS SELECT {extracted} FROM {CELLS}")
    raw = Table(con, CELLS, (), names, parts)
    columns = tuple(_column(raw, names[index], f"c{index}") for index in chosen)
    return Table(con, CELLS, columns, names, parts)


def _is_array(path: Path) -> bool:
    with path.open(encoding="utf-8-sig") as opened:
        return next((c == "[" for line in opened for c in line.strip()), False)


def _refuse_half_array(path: Path, file: str) -> None:
    """Refuse an array without its end, which DuckDB would read as far as it goes."""
    if not _is_array(path):
        return
    with path.open("rb") as opened:
        opened.seek(max(0, path.stat().st_size - TAIL))
        if not opened.read().rstrip().endswith(b"]"):
            raise DataError("data.json", f"{file}: the array has no end", PATH, ARRAY)


def _refuse_other_than_objects(lines: Table) -> None:
    wrong = lines.examples("json", "json_type(json) <> 'OBJECT'")
    if wrong:
        place, text = wrong[0]
        raise DataError(
            "data.json",
            f"{cell(text)} at {place} is not an object",
            PATH,
            'one object a line: {"y": 1.5, "g": "a"}',
        )
    keys = "json_keys(json)"
    twice = lines.examples("json", f"len(list_distinct({keys})) < len({keys})")
    if twice:
        place, text = twice[0]
        raise DataError("data.duplicate-column", f"a key twice at {place}: {cell(text)}", PATH)


def _keys(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Return the keys of all lines in the order in which they first come."""
    found = con.execute(
        "SELECT key FROM (SELECT rowid AS line, unnest(json_keys(json)) AS key, "
        f"generate_subscripts(json_keys(json), 1) AS place FROM {CELLS}) "
        "GROUP BY key ORDER BY min((line, place))"
    ).fetchall()
    return tuple(key for (key,) in found)


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _column(raw: Table, name: str, sql: str) -> RawColumn:
    (listed,) = raw.row(f"list(DISTINCT json_type({sql}))")
    kinds = set(listed or ()) - {"NULL", None}
    if kinds & NESTED:
        place, text = raw.examples(sql, f"json_type({sql}) IN ('ARRAY', 'OBJECT')")[0]
        return RawColumn(name, sql, "JSON", problem=f"{cell(text)} at {place} is nested")
    if kinds <= NUMBERS:
        return RawColumn(name, f"nullif({sql}::VARCHAR, 'null')", "VARCHAR", untyped=True)
    if kinds == {"BOOLEAN"}:
        return RawColumn(name, f"({sql}::BOOLEAN)", "BOOLEAN")
    if kinds == {"VARCHAR"}:
        return RawColumn(name, f"({sql} ->> '$')", "VARCHAR")
    place, text = raw.examples(sql, f"json_type({sql}) IN ('VARCHAR', 'BOOLEAN')")[0]
    return RawColumn(
        name, sql, "JSON", problem=f"texts, numbers or truth values mixed: {cell(text)} at {place}"
    )


def _explain(path: Path, file: str, failure: duckdb.Error) -> DataError:
    """Read the file again, slowly, for the line that DuckDB refused."""
    if _is_array(path):
        return _bad_array(path, file, failure)
    with path.open(encoding="utf-8-sig") as opened:
        for number, line in enumerate(opened, start=1):
            if not line.strip():
                continue
            try:
                json.loads(line)
            except (ValueError, RecursionError) as error:
                return _bad_line(file, number, error)
    return DataError("data.json", f"{file}: {said(failure)}", PATH)


def _bad_line(file: str, number: int, error: Exception) -> DataError:
    reason = str(error).split(": line ")[0]
    return DataError(
        "data.json", f"{file}: line {number}: {reason}", PATH, "one object a line, or one array"
    )


def _bad_array(path: Path, file: str, failure: duckdb.Error) -> DataError:
    reason = said(failure)
    try:
        json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = str(error)
    return DataError("data.json", f"{file}: {reason}", PATH, ARRAY)
