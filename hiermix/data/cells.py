"""What the text of a cell means, as SQL over columns of text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hiermix.data.engine import literal
from hiermix.data.reading import Rules
from hiermix.data.table import RawColumn, Table

NUMBER = r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
INTEGER = r"[+-]?[0-9]+"
ZERO_LED = r"[+-]?0[0-9]+"
DATE = r"([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})([ T].*)?"

NO_VALUE = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null")
"""Texts that mean "no value" among numbers, and may mean it among labels."""

NOT_FINITE = ("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity")
TRUTHS = ("true", "false")
DECLARED_TRUE, DECLARED_FALSE = ("true", "yes", "1"), ("false", "no", "0")
"""Truth values of a column that is declared to be boolean, in any case of letters."""


def one_of(text: str, values: Iterable[str]) -> str:
    """Return the SQL for "``text`` is one of these"."""
    listed = ", ".join(map(literal, values))
    return f"({text} IN ({listed}))" if listed else "false"


def matches(text: str, pattern: str) -> str:
    """Return the SQL for "all of ``text`` matches"."""
    return f"regexp_full_match({text}, {literal(pattern)})"


def is_infinite(text: str) -> str:
    """Return the SQL for "a number that is not finite", said in words."""
    return one_of(f"lower({text})", NOT_FINITE)


def is_numeric(text: str) -> str:
    """Return the SQL for "means a number", finite or not."""
    return f"({matches(text, NUMBER)} OR {is_infinite(text)})"


def is_not_finite(text: str) -> str:
    """Return the SQL for "a number that float64 cannot hold": in words, or too large."""
    return f"({is_numeric(text)} AND isinf(TRY_CAST({text} AS DOUBLE)))"


def is_beyond_int64(text: str) -> str:
    """Return the SQL for "an integer that int64 cannot hold"."""
    return f"({matches(text, INTEGER)} AND TRY_CAST({text} AS BIGINT) IS NULL)"


@dataclass(frozen=True)
class Facts:
    """How many cells there are of each kind; all but ``na`` are cells with a value."""

    na: int
    present: int
    numeric: int
    not_finite: int
    integers: int
    beyond_int64: int
    zero_led: int
    truths: int
    dates: int


@dataclass(frozen=True)
class TextColumn:
    """A column of text and what its cells mean."""

    table: Table
    column: RawColumn
    rules: Rules

    @property
    def text(self) -> str:
        """SQL: the cell as it stands."""
        return f"CAST({self.column.sql} AS VARCHAR)"

    @property
    def trimmed(self) -> str:
        """SQL: the cell without blanks around it."""
        return f"trim({self.text}, ' \t')"

    @property
    def missing(self) -> str:
        """SQL: whether the cell holds no value, whatever the others are."""
        listed = one_of(self.text, self.rules.na_values or ())
        return f"({self.column.sql} IS NULL OR {self.trimmed} = '' OR {listed})"

    @property
    def na(self) -> str:
        """SQL: whether the cell holds no value if the others are numbers."""
        return one_of(self.trimmed, NO_VALUE if self.rules.na_values is None else ())

    @property
    def value(self) -> str:
        """SQL: the cell without blanks around it, NULL if it holds no value among numbers."""
        return f"CASE WHEN NOT {self.missing} AND NOT {self.na} THEN {self.trimmed} END"

    def facts(self) -> Facts:
        """Count; costs a regular expression a cell, and more only for what is no number.

        In a view, where cells are labels more often than numbers, it costs that once a text.
        """
        number = f"coalesce({matches('t', NUMBER)}, false)"
        integer = "number AND NOT regexp_matches(t, '[.eE]')"
        conditions = (
            "na",
            "t IS NOT NULL",
            f"number OR {is_infinite('t')}",
            f"isinf(TRY_CAST(t AS DOUBLE)) AND (number OR {is_infinite('t')})",
            integer,
            f"{integer} AND TRY_CAST(t AS BIGINT) IS NULL",
            f"{integer} AND {matches('t', ZERO_LED)}",
            f"NOT number AND {one_of('lower(t)', TRUTHS)}",
            f"NOT number AND {matches('t', DATE)}",
        )
        sql, relation = self.column.sql, self.table.relation
        # The column may be an expression over others.
        cells = f"SELECT *, 1 AS times FROM {relation}"
        if self.table.is_view:
            cells = f"SELECT {sql}, count(*) AS times FROM {relation} GROUP BY {sql}"
        counts = ", ".join(
            f"coalesce(sum(times) FILTER ({condition}), 0)::BIGINT" for condition in conditions
        )
        texts = f"SELECT times, {self.value} AS t, {self.na} AND NOT {self.missing} AS na"
        (found,) = self.table.con.execute(
            f"SELECT {counts} FROM (SELECT *, {number} AS number FROM ({texts} FROM ({cells})))"
        ).fetchall()
        return Facts(*found)
