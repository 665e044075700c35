"""Whether runs say something about the same data, so that their densities can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hiermix.errors import HiermixError, InputErrors, UsageError, Where
from hiermix.formula import parse_formula
from hiermix.spec.families import (
    CATEGORY_FAMILIES,
    COUNT_FAMILIES,
    PROPORTION_FAMILIES,
    SEMICONTINUOUS_FAMILIES,
)

PROBABILITIES = COUNT_FAMILIES | PROPORTION_FAMILIES | CATEGORY_FAMILIES | {"bernoulli"}
"""Families whose outcomes have probabilities; those of the others have densities."""

MIN_DISTINCT = 0.5
"""Share of the responses that differ from each other from which on rows have the same ones in the
same order only if they are the same rows."""


@dataclass(frozen=True)
class Candidate:
    """What a run says of itself before any draw is read.

    Attributes
    ----------
    run, name, engine, verdict
        The run directory as it was named, the spec's name, and how it was fitted and judged.
    formula, family
        The model; the formula is canonical.
    sha256
        Hash of the rows and of those columns that the model uses.
    source
        Data file and query.
    rows_used, rows_dropped
        Rows, and those without a value by column.
    left_out
        Why the log likelihood is not stored; empty where it is.
    columns
        Columns of the data that the model uses: those that the hash covers.
    """

    run: str
    name: str
    engine: str
    verdict: str
    formula: str
    family: str
    sha256: str
    source: tuple[str, str]
    rows_used: int
    rows_dropped: Mapping[str, int]
    left_out: str = ""
    columns: frozenset[str] = frozenset()

    @property
    def failed(self) -> bool:
        """Whether a gate failed."""
        return self.verdict == "fail"

    @property
    def response(self) -> str:
        """Canonical left-hand side."""
        return self.formula.partition("~")[0].strip()

    @property
    def response_kind(self) -> str:
        """``plain``, ``proportion``, ``weighted``, ``censored`` or ``truncated``; empty without."""
        response = parse_formula(self.formula).response
        return "" if response is None else response.kind

    @property
    def scale(self) -> str:
        """What the likelihood of a row is: a probability, a density, or both at zero."""
        if self.family in SEMICONTINUOUS_FAMILIES:
            return "a density with a probability of zero"
        return "a probability" if self.family in PROBABILITIES else "a density"


def check_stated(candidates: Sequence[Candidate]) -> None:
    """Raise ``InputErrors`` unless the runs may be about the same rows, as they were stated.

    Each is compared with the first. Needed are a stored log likelihood, the same number of rows,
    the same left-hand side, and likelihoods of one kind.
    """
    problems = [p for c in candidates if c.left_out for p in (_no_log_likelihood(c),)]
    for candidate in candidates[1:]:
        problems += _stated_differences(candidates[0], candidate)
    if problems:
        raise InputErrors(problems)


def check_observed(
    candidates: Sequence[Candidate], observed: Sequence[np.ndarray]
) -> tuple[str, ...]:
    """Raise ``InputErrors`` unless the runs have the same responses row by row.

    A hash covers the columns that a model uses. Runs whose hashes differ use other columns or
    other data: then the responses decide, if they are numbers that no two rows share by chance.
    Where they are whole numbers, or fewer than half of them differ, or the left-hand side has more
    than the response, the runs must also have read the same file, with the same query, and dropped
    the same rows.

    Parameters
    ----------
    candidates
        Runs that pass `check_stated`.
    observed
        Responses of each as stored with its draws, shape ``(n_pieces,)``.

    Returns
    -------
    tuple
        Sentences on what the comparison takes for granted.
    """
    first = candidates[0]
    problems: list[HiermixError] = []
    for candidate, values in zip(candidates[1:], observed[1:], strict=True):
        problems += _observed_differences(first, observed[0], candidate, values)
    if problems:
        raise InputErrors(problems)
    n = len(observed[0])
    notes = [
        f"{c.run}: the data were changed since '{first.run}', or are read in another way: the "
        f"columns are the same, their hash is not; the {n} responses are"
        for c in candidates
        if _is_changed(first, c)
    ]
    if any(c.sha256 != first.sha256 and not _is_changed(first, c) for c in candidates):
        notes.append(
            f"the runs use different columns; all {n} responses are the same, in the same order, "
            "so they are taken for the same rows"
        )
    return (*notes, *_pieces(first, n))


def _is_changed(first: Candidate, other: Candidate) -> bool:
    """Tell whether two runs use the same columns of different data."""
    return other.sha256 != first.sha256 and bool(other.columns) and other.columns == first.columns


def _pieces(first: Candidate, n_pieces: int) -> Iterator[str]:
    if n_pieces < first.rows_used:
        yield (
            f"equal rows were merged while they were read: a piece is a cell, {n_pieces} of them "
            f"for {first.rows_used} rows, and all rows of a cell are left out together"
        )
    if first.response_kind == "weighted":
        yield (
            f"{first.response}: a piece is a cell or row with its weight, which multiplies its "
            "log density, and is left out as a whole"
        )
    if first.response_kind == "proportion":
        yield f"{first.response}: a piece is a cell, all trials of a row are left out together"


def _no_log_likelihood(candidate: Candidate) -> HiermixError:
    hint = "fewer draws (fit.draws, fit.chains) or cells, p(successes, trials), make it smaller"
    if "merged" in candidate.left_out:
        hint = "fit all models to the same sample of the rows (data.query), then compare those"
    return UsageError(
        "compare.no-log-likelihood",
        f"the run has no log likelihood of its rows: {candidate.left_out}",
        Where(file=candidate.run),
        hint,
    )


def _different(error_id: str, other: Candidate, message: str, hint: str) -> HiermixError:
    return UsageError(
        error_id, f"{message}: the runs cannot be compared", Where(file=other.run), hint
    )


def _stated_differences(first: Candidate, other: Candidate) -> Iterator[HiermixError]:
    if other.response != first.response:
        yield _different(
            "compare.response",
            other,
            f"the left-hand side is {other.response}, that of '{first.run}' {first.response}",
            "state the same response on the same scale; transform predictors instead",
        )
    elif other.scale != first.scale:
        yield _different(
            "compare.family",
            other,
            f"family {other.family} gives a row {other.scale}, {first.family} in '{first.run}' "
            f"{first.scale}",
            "compare counts with counts, and measurements with measurements",
        )
    if other.rows_used != first.rows_used:
        yield _different(
            "compare.rows",
            other,
            f"{other.rows_used} rows are used, {first.rows_used} in '{first.run}'",
            "leave out the rows without a value for any of the models, then fit them again",
        )


def _observed_differences(
    first: Candidate, expected: np.ndarray, other: Candidate, values: np.ndarray
) -> Iterator[HiermixError]:
    if len(values) != len(expected):
        yield _different(
            "compare.pieces",
            other,
            f"rows were merged to {len(values)} cells, those of '{first.run}' to {len(expected)}",
            "count the rows by the columns of all models in the data itself: p(successes, trials)",
        )
    elif not np.array_equal(values, expected):
        at = int(np.argmax(values != expected))
        yield _different(
            "compare.data",
            other,
            f"the response of row {at + 1} is {values[at]:.10g}, in '{first.run}' "
            f"{expected[at]:.10g}",
            "fit all models on the same rows in the same order",
        )
    elif other.sha256 != first.sha256 and (why := _undecided(first, other, values)):
        yield _different(
            "compare.data",
            other,
            f"the data hash is not that of '{first.run}', and {why}; that the responses are equal "
            "does not show that the rows are",
            "fit all models from one file, with the same rows left out",
        )


def _undecided(first: Candidate, other: Candidate, values: np.ndarray) -> str:
    """Return why equal responses do not show that the rows are the same; empty if they do."""
    if len(values) < first.rows_used:
        return "rows were merged by the columns that each model uses"
    if first.response_kind == "plain" and _are_telling(values):
        return ""
    if other.source != first.source:
        return "the data file or its query differ"
    if _dropped(other) != _dropped(first):
        return "other rows were dropped"
    if _is_changed(first, other):
        return "the data were changed between the runs, for both use the same columns"
    return ""


def _are_telling(values: np.ndarray) -> bool:
    """Tell whether other rows would hardly have the same responses; ratings in halves would."""
    whole = (values == np.floor(values)).all()
    return bool(not whole and len(np.unique(values)) >= MIN_DISTINCT * len(values))


def _dropped(candidate: Candidate) -> dict[str, int]:
    return {name: n for name, n in candidate.rows_dropped.items() if n}
