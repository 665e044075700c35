"""Several files, one after the other, into one table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import duckdb

from hiermix.data.engine import memory_fault
from hiermix.data.table import Part
from hiermix.data.words import PATH
from hiermix.errors import DataError, Where

CELLS = "hiermix_cells"
"""Name of the table that holds what was read; a database of the user has none of this name."""


def insert_parts(
    con: duckdb.DuckDBPyConnection,
    selections: Sequence[str],
    names: Sequence[str],
    explain: Callable[[int, duckdb.Error], DataError],
) -> tuple[Part, ...]:
    """Create the table `CELLS` from one selection a file.

    Parameters
    ----------
    con
        Holds the table.
    selections
        ``SELECT`` texts with the same columns, in the order of the rows.
    names
        Names of the files.
    explain
        Turns the failure of a file, given by its index, into an error that says what is wrong.

    Returns
    -------
    tuple
        Where the rows of each file end.
    """
    parts = []
    for index, (selection, name) in enumerate(zip(selections, names, strict=True)):
        verb = f"INSERT INTO {CELLS}" if index else f"CREATE TEMP TABLE {CELLS} AS"
        try:
            con.execute(f"{verb} {selection}")
        except duckdb.OutOfMemoryException as error:
            raise memory_fault(name, PATH) from error
        except duckdb.Error as error:
            raise explain(index, error) from error
        ((end,),) = con.execute(f"SELECT count(*) FROM {CELLS}").fetchall()
        parts.append(Part(name, end))
    return tuple(parts)


def kept(names: Sequence[str], keep: Collection[str] | None) -> list[int]:
    """Return the indexes of the columns to load: at least one, to know the rows by."""
    found = [index for index, name in enumerate(names) if keep is None or name in keep]
    return found or [0]


def refuse_same_names(names: Sequence[str], file: str, where: Where = PATH) -> None:
    """Refuse two columns with the same name; several without a name are no problem."""
    for name in dict.fromkeys(names):
        places = [str(index + 1) for index, other in enumerate(names) if other == name]
        if name and len(places) > 1:
            raise DataError(
                "data.duplicate-column",
                f"{file}: {name!r} at columns {' and '.join(places)}",
                where,
                "give every column its own name",
            )


def refuse_other_columns(
    columns: Sequence[object], first: Sequence[object], file: str, first_file: str
) -> None:
    """Refuse a file whose columns are not those of the first file."""
    if list(columns) != list(first):
        raise DataError(
            "data.different-columns",
            f"{file}: not the columns of {first_file}",
            PATH,
            "all files of a source have the same columns in the same order",
        )
