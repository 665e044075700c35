"""Columns of text to numbers, truth values or labels: what could be wrong is refused."""

from __future__ import annotations

import re

from hiermix.data.cells import (
    DECLARED_FALSE,
    DECLARED_TRUE,
    INTEGER,
    ZERO_LED,
    Facts,
    TextColumn,
    is_beyond_int64,
    is_not_finite,
    is_numeric,
    matches,
    one_of,
)
from hiermix.data.reading import MAX_EXACT, Reading, Refusal, Rules
from hiermix.data.table import RawColumn, Table
from hiermix.data.words import cell, counted
from hiermix.errors import DataError

EXACT_INTEGER = (
    f"abs(TRY_CAST({{t}} AS DOUBLE)) <= {MAX_EXACT} "
    "AND TRY_CAST({t} AS DOUBLE) = floor(TRY_CAST({t} AS DOUBLE))"
)
"""A decimal text such as ``2.0`` or ``1e3`` that means an integer."""


def read_text(table: Table, column: RawColumn, rules: Rules) -> Reading:
    """Decide what a column of text becomes.

    Parameters
    ----------
    table, column
        The column. If it is `RawColumn.untyped`, the file can only hold text, and numbers are
        recognised; otherwise texts that look like numbers were meant to be texts.
    rules
        What is asked of it.

    Raises
    ------
    DataError
        The cells do not fit what is asked, or could mean several things.
    """
    return _Decision(table, column, rules).reading()


class _Decision:
    def __init__(self, table: Table, column: RawColumn, rules: Rules) -> None:
        self.column = column
        self.rules = rules
        self.cells = TextColumn(table, column, rules)
        self.value = self.cells.value
        self.facts: Facts = self.cells.facts()
        self.refusal = Refusal(table, column, rules)

    def reading(self) -> Reading:
        if self.rules.labels:
            return self.as_labels()
        match self.rules.explicit:
            case "numeric":
                return self.as_declared_numbers()
            case "integer":
                return self.as_declared_integers()
            case "boolean":
                return self.as_declared_truths()
        return self.as_guessed()

    def as_guessed(self) -> Reading:
        facts = self.facts
        if facts.truths == facts.present > 0 and self.column.untyped:
            return Reading("bool", f"CAST({self.value} AS BOOLEAN)")
        if facts.numeric == facts.present:
            return self.as_guessed_numbers()
        if self.rules.role == "numeric" or 2 * facts.numeric >= facts.present:
            raise self.text_among_numbers()
        if facts.dates == facts.present:
            raise dates_refused(self.refusal)
        return self.as_labels()

    def as_guessed_numbers(self) -> Reading:
        if self.facts.zero_led:
            return self.as_identifiers()
        if not self.column.untyped and self.facts.present:
            raise self.refusal.shown(
                "data.numbers-as-text",
                self.value,
                f"{self.value} IS NOT NULL",
                before="holds numbers as text: ",
                hint=f"set data.types.{self.column.name}: numeric, or category if they are labels",
                quoted=True,
            )
        self.refuse_not_finite()
        if self.facts.integers < self.facts.present:
            return Reading("float64", f"CAST({self.value} AS DOUBLE)")
        if self.facts.beyond_int64:
            raise self.too_large(is_beyond_int64(self.value))
        return Reading("int64", f"CAST({self.value} AS BIGINT)")

    def as_identifiers(self) -> Reading:
        name = self.column.name
        if self.rules.role == "numeric":
            raise self.refusal.shown(
                "data.leading-zeros",
                self.value,
                matches(self.value, ZERO_LED),
                before="number or identifier? ",
                hint=f"set data.types.{name}: numeric if the zeros mean nothing",
                quoted=True,
            )
        labels = self.as_labels()
        warning = (
            f"{name}: read as text, since {counted(self.facts.zero_led, 'cell')} begin with 0; "
            f"set data.types.{name}: numeric if these are numbers, category if they are labels"
        )
        return Reading(labels.kind, labels.sql, labels.may_merge, (warning,))

    def as_labels(self) -> Reading:
        """Keep the texts as they stand."""
        missing = self.cells.missing
        if self.facts.na and self.facts.numeric == self.facts.present > 0:
            missing = f"({missing} OR {self.cells.na})"
        elif self.facts.na and self.cells.table.na_is_ambiguous:
            raise self.ambiguous_na()
        return Reading(
            "category",
            f"CASE WHEN NOT {missing} THEN {self.cells.text} END",
            may_merge=self.rules.explicit is None,
        )

    def as_declared_numbers(self) -> Reading:
        self.refuse_text()
        self.refuse_not_finite()
        beyond = f"abs(TRY_CAST({self.value} AS HUGEINT)) > {MAX_EXACT}"
        inexact = f"{matches(self.value, INTEGER)} AND coalesce({beyond}, true)"
        if self.cells.table.row(f"count(*) FILTER ({inexact})")[0]:
            raise self.too_large(inexact)
        return Reading("float64", f"CAST({self.value} AS DOUBLE)")

    def as_declared_integers(self) -> Reading:
        self.refuse_text()
        self.refuse_not_finite()
        if self.facts.beyond_int64:
            raise self.too_large(is_beyond_int64(self.value))
        integer, exact = matches(self.value, INTEGER), EXACT_INTEGER.format(t=self.value)
        wrong = f"NOT {integer} AND NOT ({exact})"
        if self.cells.table.row(f"count(*) FILTER ({wrong})")[0]:
            raise self.refusal.shown(
                "data.not-integer", self.value, wrong, after=" is not an integer"
            )
        return Reading(
            "int64",
            f"CASE WHEN {integer} THEN CAST({self.value} AS BIGINT) "
            f"ELSE CAST(CAST({self.value} AS DOUBLE) AS BIGINT) END",
        )

    def as_declared_truths(self) -> Reading:
        low = f"lower({self.value})"
        wrong = f"NOT {one_of(low, (*DECLARED_TRUE, *DECLARED_FALSE))}"
        if self.cells.table.row(f"count(*) FILTER ({wrong})")[0]:
            raise self.refusal.shown(
                "data.not-boolean",
                self.value,
                wrong,
                after=" is not a truth value",
                hint="true, false, yes, no, 1 and 0 are",
                quoted=True,
            )
        return Reading("bool", one_of(low, DECLARED_TRUE))

    def refuse_text(self) -> None:
        if self.facts.numeric < self.facts.present:
            raise self.text_among_numbers()

    def refuse_not_finite(self) -> None:
        if self.facts.not_finite:
            raise self.refusal.shown(
                "data.not-finite",
                self.value,
                is_not_finite(self.value),
                after=" is not finite",
                hint="correct the cell, or leave the row out with data.query",
            )

    def too_large(self, condition: str) -> DataError:
        return self.refusal.shown(
            "data.integer-too-large",
            self.value,
            condition,
            after=" exceeds 2^53",
            hint=f"set data.types.{self.column.name}: category if it is an identifier",
        )

    def text_among_numbers(self) -> DataError:
        text, condition = self.cells.text, f"NOT {is_numeric(self.value)}"
        (_, first), *_ = self.cells.table.examples(text, condition)
        return self.refusal.shown(
            "data.text-among-numbers",
            text,
            condition,
            before="text ",
            hint=_advice(first, self.column.name),
            quoted=True,
        )

    def ambiguous_na(self) -> DataError:
        cells = self.cells
        condition = f"{cells.na} AND NOT {cells.missing}"
        texts = sorted({text for _, text in cells.table.examples(cells.trimmed, condition)})
        (place, _), *_ = cells.table.examples(cells.trimmed, condition)
        return self.refusal.because(
            "data.ambiguous-na",
            f"{self.facts.na} missing from text {', '.join(map(cell, texts))}; set data.na_values",
            f"first at {place}; [{texts[0]}] if it means 'no value', [] if it is a label",
        )


def dates_refused(refusal: Refusal) -> DataError:
    """Return the error for a date where numbers or labels are needed."""
    name = refusal.column.name
    return refusal.because(
        "data.dates",
        "dates are neither numbers nor labels",
        "make a number of them in data.query (days since the first one), or set "
        f"data.types.{name}: category",
    )


def _advice(text: str, name: str) -> str:
    stripped = text.strip()
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", stripped):
        return "remove the thousands separators from the file"
    if re.fullmatch(r"[+-]?\d+,\d+", stripped):
        return "write decimal points, not commas, in the file"
    return (
        f"correct the cell; or set data.na_values if it means 'no value', data.types.{name}: "
        "category if the column holds labels"
    )
