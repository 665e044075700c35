"""Choose a first model from the columns of a data file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hiermix.cli.text import visible
from hiermix.errors import DataError, HiermixError, UsageError, Where
from hiermix.formula import column_text

MAX_TERMS = 6
"""Common terms of a first model: enough to start from, few enough to read."""

RESPONSE_NAMES = ("y", "response", "outcome", "target", "score", "value")
GROUP_NAMES = ("group", "subject", "id", "country", "market", "store", "school", "site", "region")


@dataclass(frozen=True)
class Column:
    """What is known of a column of the data file.

    ``kind`` is ``number``, ``text`` or ``other``: a column that cannot be read, for its ``fault``.
    ``whole`` says that a number column holds whole numbers only; ``missing`` counts rows,
    ``distinct`` values.
    """

    name: str
    kind: str
    rows: int
    missing: int
    distinct: int
    whole: bool = False
    low: float | None = None
    high: float | None = None
    fault: DataError | None = None

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing

    @property
    def writable(self) -> bool:
        """Whether a formula can name the column."""
        return bool(self.name) and "`" not in self.name and visible(self.name) == self.name


@dataclass(frozen=True)
class Start:
    """A first model: its formula, and the reasons in words."""

    formula: str
    family: str
    response: Column
    group: Column
    terms: tuple[Column, ...]
    reasons: tuple[str, ...]

    @property
    def drops_rows(self) -> bool:
        """Whether a column of the model has missing values."""
        return any(column.missing for column in (self.response, self.group, *self.terms))


def choose_start(
    columns: Sequence[Column],
    origin: str,
    response: str | None,
    group: str | None,
    repeats: Callable[[Sequence[str], str], bool] = lambda known, name: False,
) -> Start:
    """Return a first model with one grouping factor.

    Parameters
    ----------
    columns
        Columns of the data file.
    origin
        Name of the data file, for messages.
    response, group
        Columns that were asked for; ``None`` guesses.
    repeats
        Tells whether columns already in the model determine another one.

    Raises
    ------
    UsageError
        If a column is not there, or none can be guessed.
    DataError
        If a column cannot play its role.
    """
    reasons: list[str] = []
    asked_group = None if group is None else _named(columns, group, "--group", origin)
    if response is None:
        target = _guess_response([c for c in columns if c is not asked_group], columns, origin)
        reasons.append(f"the response {target.name!r} is a guess: --response names another")
    else:
        target = _named(columns, response, "--response", origin)
    family, why = _family(target, origin)
    reasons.append(why)
    if asked_group is None:
        factor = _guess_group([c for c in columns if c is not target], columns, origin)
        reasons.append(f"the grouping factor {factor.name!r} is a guess: --group names another")
    else:
        factor = _group_ok(asked_group, target, origin)
    terms, left_out = _terms(columns, target, factor, repeats)
    reasons += left_out
    right = " + ".join([*(column_text(t.name) for t in terms), f"(1 | {column_text(factor.name)})"])
    return Start(
        f"{column_text(target.name)} ~ {right}",
        family,
        target,
        factor,
        tuple(terms),
        tuple(reasons),
    )


def _named(columns: Sequence[Column], name: str, option: str, origin: str) -> Column:
    for column in columns:
        if column.name == name:
            if not column.writable:
                raise DataError(
                    "data.column-name",
                    f"a formula cannot name the column {name!r}",
                    Where(file=origin),
                    "rename it: no backquotes, line breaks or hidden characters",
                )
            return column
    close = difflib.get_close_matches(name, [c.name for c in columns], n=1)
    hint = f"did you mean {close[0]!r}?" if close else _listing(columns)
    raise UsageError(
        "usage.unknown-column", f"{option}: no column {name!r}", Where(file=origin), hint
    )


def _listing(columns: Iterable[Column]) -> str:
    return "columns: " + ", ".join(c.name for c in columns)


def _guess_response(candidates: Sequence[Column], columns: Sequence[Column], origin: str) -> Column:
    numbers = [c for c in candidates if c.writable and c.kind == "number" and c.distinct > 1]
    by_name = [c for c in numbers if c.name.lower() in RESPONSE_NAMES]
    fractional = [c for c in numbers if not c.whole]
    for found in (by_name, fractional, numbers):
        if found:
            return found[0]
    raise UsageError(
        "usage.no-response",
        "no column of numbers can be the response",
        Where(file=origin),
        f"name one with --response; {_listing(columns)}",
    )


def _guess_group(candidates: Sequence[Column], columns: Sequence[Column], origin: str) -> Column:
    repeated = [
        c
        for c in candidates
        if c.writable and c.kind != "other" and 3 <= c.distinct <= c.present / 2
    ]
    texts = [c for c in repeated if c.kind == "text"]
    by_name = [c for c in repeated if _sounds_like_group(c.name)]
    whole = [c for c in repeated if c.whole]
    for found in (
        [c for c in by_name if c.kind == "text"],
        texts,
        [c for c in by_name if c.whole],
        whole,
    ):
        if found:
            return found[0]
    raise UsageError(
        "usage.no-group",
        "no column repeats its values as a grouping factor does",
        Where(file=origin),
        f"name one with --group; {_listing(columns)}",
    )


def _sounds_like_group(name: str) -> bool:
    words = re.split(r"[^a-z]+", name.lower())
    return any(word in GROUP_NAMES for word in words)


def _group_ok(column: Column, response: Column, origin: str) -> Column:
    problem = None
    if column.fault is not None:
        raise column.fault.at(Where(file=origin))
    if column is response:
        problem = "is the response as well"
    elif column.distinct < 2:
        problem = "has fewer than two levels"
    if problem:
        raise DataError(
            "data.group", f"the grouping factor {column.name!r} {problem}", Where(file=origin)
        )
    return column


def _family(column: Column, origin: str) -> tuple[str, str]:
    """Return the family that the values of the response suggest, and why."""
    problem: HiermixError | None = None
    if column.fault is not None:
        problem = column.fault.at(Where(file=origin))
    elif column.kind != "number":
        problem = DataError(
            "data.response",
            f"the response {column.name!r} is not a column of numbers",
            Where(file=origin),
            "init writes models of numbers; write the formula by hand for other families",
        )
    elif column.distinct < 2:
        problem = DataError(
            "data.response", f"the response {column.name!r} never varies", Where(file=origin)
        )
    if problem:
        raise problem
    low, high = column.low or 0.0, column.high or 0.0
    if column.whole and low == 0 and high == 1:
        return "bernoulli", f"{column.name!r} is 0 or 1: family bernoulli"
    if column.whole and low >= 0 and low < 20:
        return "negativebinomial", (
            f"{column.name!r} holds whole numbers from {low:g} to {high:g}: family "
            "negativebinomial; poisson if they vary no more than chance"
        )
    return "gaussian", f"{column.name!r} runs from {low:g} to {high:g}: family gaussian"


def _terms(
    columns: Sequence[Column],
    response: Column,
    group: Column,
    repeats: Callable[[Sequence[str], str], bool],
) -> tuple[list[Column], list[str]]:
    chosen: list[Column] = []
    reasons = []
    for column in columns:
        if column in (response, group):
            continue
        problem = next(_problems(column), None)
        if problem is None and len(chosen) == MAX_TERMS:
            problem = f"there are {MAX_TERMS} terms already"
        if problem is None and repeats([response.name, *(c.name for c in chosen)], column.name):
            problem = "other columns of the model determine it"
        if problem is None:
            chosen.append(column)
        else:
            reasons.append(f"{column.name!r} is left out: {problem}")
    return chosen, reasons


def _problems(column: Column) -> Iterator[str]:
    if not column.writable:
        yield "a formula cannot name it"
    if column.fault is not None:
        yield column.fault.message.removeprefix(f"{column.name}: ")
    if column.kind != "number":
        yield "not a column of numbers"
    if column.distinct < 2:
        yield "it never varies"
    if column.whole and column.distinct == column.present:
        yield "it numbers the rows"
    if column.missing > column.rows / 4:
        yield f"{column.missing} of {column.rows} rows have no value"
