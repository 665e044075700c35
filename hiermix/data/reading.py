"""How one column is to be read, and the decision that came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hiermix.data.frame import Role
from hiermix.data.source import ColumnType
from hiermix.data.table import RawColumn, Table
from hiermix.data.words import PATH, bare, cell
from hiermix.errors import DataError, Where

Kind = Literal["int64", "float64", "bool", "category"]

SQL_TYPES: Mapping[Kind, str] = {
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "category": "VARCHAR",
}

MAX_EXACT = 2**53
"""Integers beyond this have no exact float64."""


@dataclass(frozen=True)
class Rules:
    """What the model and the spec ask of a column.

    Attributes
    ----------
    role
        What the model needs.
    explicit
        What ``data.types`` says; overrules the role.
    na_values
        As in `Source`.
    """

    role: Role = "any"
    explicit: ColumnType | None = None
    na_values: tuple[str, ...] | None = None

    @property
    def labels(self) -> bool:
        """Whether the column becomes labels, whatever it holds."""
        return self.explicit in ("category", "text") or (
            self.explicit is None and self.role == "category"
        )


@dataclass(frozen=True)
class Reading:
    """A decision: what the column becomes, and how.

    Attributes
    ----------
    kind
        Type in the frame.
    sql
        Expression over the relation, of the type `SQL_TYPES` gives; NULL where there is no value.
    may_merge
        Whether to refuse labels that mean the same number.
    warnings
        Sentences for a person.
    """

    kind: Kind
    sql: str
    may_merge: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Words errors about one column; the place is the type given for it, or else the file."""

    table: Table
    column: RawColumn
    rules: Rules

    @property
    def where(self) -> Where:
        """Spec key to blame."""
        explicit = self.rules.explicit is not None
        return Where(key=f"data.types.{self.column.name}") if explicit else PATH

    def because(self, id: str, problem: str, hint: str = "") -> DataError:
        """Return an error that begins with the column's name."""
        return DataError(id, f"{self.column.name}: {problem}", self.where, hint)

    def shown(
        self,
        id: str,
        value: str,
        condition: str,
        *,
        before: str = "",
        after: str = "",
        hint: str = "",
        quoted: bool = False,
    ) -> DataError:
        """Return an error that shows up to three cells that meet a condition.

        Parameters
        ----------
        id
            Stable id.
        value, condition
            SQL of what to show, and of where; some row has to meet the condition.
        before, after
            Words around the first cell.
        hint
            Way out.
        quoted
            Whether to put cells in quotes.
        """
        found = self.table.examples(value, condition)
        show = cell if quoted else bare
        (place, text), *more = found
        message = f"{before}{show(text)} at {place}{after}"
        if more:
            total = int(self.table.row(f"count(*) FILTER ({condition})")[0])
            also = ", ".join(f"{show(other)} at {at}" for at, other in more)
            message += f"; also {also} ({total} in all)"
        return self.because(id, message, hint)
