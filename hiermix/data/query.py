"""The user's SQL: one SELECT that can reach nothing but the data."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import duckdb

from hiermix.data.engine import identifier, stopped_in_time, told_as
from hiermix.data.parts import kept, refuse_same_names
from hiermix.data.relation import columns_of, raw_columns
from hiermix.data.table import Table, numbered, sterile
from hiermix.data.words import QUERY
from hiermix.errors import DataError

RESULT = "hiermix_result"
ASKED = "hiermix_asked"
HINT = "the files are the table 'data'; nothing else can be read"


def create_data_view(
    con: duckdb.DuckDBPyConnection, relation: str, columns: Iterable[tuple[str, str]]
) -> None:
    """Give the rows the name ``data`` and their columns the user's names.

    Parameters
    ----------
    con
        Holds the relation.
    relation
        What the view reads.
    columns
        (name, SQL) of each column.

    Raises
    ------
    DataError
        Two names differ only by case, which SQL ignores.
    """
    named = [(name, sql) for name, sql in columns if name]
    seen: dict[str, str] = {}
    for name, _ in named:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(
                "data.query",
                f"data.query: columns {other!r} and {name!r} differ only by case",
                QUERY,
                "SQL cannot tell them apart; rename one in the file",
            )
    selected = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in named)
    con.execute(f"CREATE TEMP VIEW data AS SELECT {selected} FROM {relation}")


def run_query(
    con: duckdb.DuckDBPyConnection,
    query: str,
    keep: Collection[str] | None,
    *,
    na_is_ambiguous: bool = False,
    in_place: bool = False,
) -> Table:
    """Run a query in a locked connection and keep its rows.

    Parameters
    ----------
    con
        Holds what the query may read; see `hiermix.data.engine.lock`.
    query
        One ``SELECT`` statement.
    keep
        Columns of the result to keep; ``None`` keeps all.
    na_is_ambiguous
        As in `Table`, for the texts of the result.
    in_place
        Whether the query runs at each use, in place of keeping its rows.

    Raises
    ------
    DataError
        The query is not one ``SELECT``, cannot be run, or names a column twice.
    """
    with told_as("data.query", "data.query", QUERY, HINT), stopped_in_time(con.interrupt):
        statements = con.extract_statements(query)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise DataError("data.query", "data.query: one SELECT statement expected", QUERY, HINT)
        names = tuple(name for name, _ in columns_of(con, query))
        refuse_same_names(names, "data.query", QUERY)
        own = ", ".join(sterile(len(names)))
        con.execute(f"CREATE TEMP VIEW {ASKED}({own}) AS {query}")
        chosen = ", ".join(f"c{index}" for index in kept(names, keep))
        result = numbered(chosen) if in_place else f"SELECT {chosen}"
        kind = "VIEW" if in_place else "TABLE"
        con.execute(f"CREATE TEMP {kind} {RESULT} AS {result} FROM {ASKED}")
    columns = raw_columns(con, RESULT, names, keep)
    return Table(con, RESULT, columns, names, na_is_ambiguous=na_is_ambiguous, is_view=in_place)
