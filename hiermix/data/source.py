"""What is to be read, and what ``init`` wants to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ColumnType = Literal["category", "numeric", "integer", "boolean", "text"]


@dataclass(frozen=True)
class Source:
    """Where the rows come from and how they are read: the ``data`` part of a spec.

    Attributes
    ----------
    path
        A file, a glob, or several files of the same kind.
    query
        SQL that makes the rows. Files are the table ``data``; a database has its own tables.
    types
        Column -> type, for columns of the file and of the query's result alike.
    missing
        ``error`` refuses rows that lack a value in a wanted column, ``drop`` leaves them out.
    na_values
        Texts that mean "no value" in every column of text, besides the empty cell. ``None``: ``NA``
        and its kind, in columns that otherwise hold numbers; among labels they are refused.
    """

    path: str | tuple[str, ...]
    query: str | None = None
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    missing: Literal["error", "drop"] = "error"
    na_values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ColumnInfo:
    """One column of a source, read by itself.

    Attributes
    ----------
    name
        As in the file.
    kind
        ``integer``, ``numeric``, ``boolean``, ``category`` or ``unreadable``.
    n_rows, n_missing, n_distinct
        Rows of the source; rows without a value; different values. 0 if unreadable.
    examples
        Up to three values as text.
    problem
        Why the column is unreadable.
    """

    name: str
    kind: Literal["integer", "numeric", "boolean", "category", "unreadable"]
    n_rows: int = 0
    n_missing: int = 0
    n_distinct: int = 0
    examples: tuple[str, ...] = ()
    problem: str = ""
