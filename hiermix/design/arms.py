"""``arms``: counts of both arms in a row, made one row an arm, or held against given errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from hiermix.data.fingerprint import fingerprint
from hiermix.data.frame import Frame, Role
from hiermix.design.two_arms import Counts, matched
from hiermix.errors import DataError, HiermixError, InputErrors, Where
from hiermix.formula import parse_formula, parse_right_side
from hiermix.measurement import Measurement
from hiermix.spec import ArmsSpec, RunSpec
from hiermix.spec.arms import ARM, MADE, SIDES, SUCCESSES, TRIALS

MAX_EXACT = 2.0**53
"""Integers beyond this have no exact float64."""

SHOWN = 3
"""Rows that an error names."""

ALIKE = 1.25
"""Given standard errors within this factor of the counts' own need no words."""

ROOT_TWO, NEAR_ROOT_TWO = 1.41, 0.1
"""A factor this near the root of 2 is what half or twice the users in each arm make."""


def is_unfolded(spec: RunSpec) -> bool:
    """Return whether each row of the file becomes two rows of the model."""
    return spec.arms is not None and spec.arms.counts is not None and spec.model.known_se is None


def count_columns(spec: RunSpec) -> dict[str, Where]:
    """Return the columns that hold counts of an arm, and where the spec first names each."""
    if spec.arms is None or spec.arms.counts is None:
        return {}
    found: dict[str, Where] = {}
    for side, counts in zip(SIDES, spec.arms.counts, strict=True):
        for key in (SUCCESSES, TRIALS):
            name = getattr(counts, key)
            found.setdefault(name, Where(key=f"arms.{side}.{key}", caret=1))
    return found


def with_counts(spec: RunSpec, roles: Mapping[str, Role]) -> dict[str, Role]:
    """Return the columns to read, given those that the model uses."""
    made = MADE if is_unfolded(spec) else ()
    kept = {name: role for name, role in roles.items() if name not in made}
    numeric: dict[str, Role] = dict.fromkeys(count_columns(spec), "numeric")
    return {**kept, **numeric}


def unfold_arms(spec: RunSpec, frame: Frame) -> Frame:
    """Return the rows of the model: a row of counts of both arms becomes one row an arm.

    Parameters
    ----------
    spec
        If its ``arms`` does not name counts, or they are there to check standard errors only, the
        frame stays as it is.
    frame
        Rows of the file.

    Returns
    -------
    Frame
        With ``arm`` (0 control, 1 treatment), ``successes`` and ``trials`` in place of the counts;
        the two rows of a row of the file follow each other and keep its number.

    Raises
    ------
    DataError, InputErrors
        The file has columns of these names; counts are no counts.
    """
    if not is_unfolded(spec):
        return frame
    assert spec.arms is not None  # or it would not be unfolded
    taken = [name for name in MADE if name in frame.all_columns]
    if taken:
        raise InputErrors(_taken(name) for name in taken)
    counts = read_counts(spec.arms, frame)
    n = len(frame.table)
    made = {
        ARM: np.tile(np.array([0, 1]), n),
        SUCCESSES: _woven(counts.control_successes, counts.treatment_successes),
        TRIALS: _woven(counts.control_trials, counts.treatment_trials),
    }
    twice = np.repeat(np.arange(n), 2)
    rows = frame.table.iloc[twice].reset_index(drop=True)
    names = _used(spec)
    table = pd.DataFrame({name: made[name] if name in made else rows[name] for name in names})
    note = f"{n:,} rows of the data are {2 * n:,} rows of the model: one an arm"
    return replace(
        frame,
        table=table,
        row_numbers=frame.row_numbers[twice],
        sha256=fingerprint(table),
        measurements=tuple(
            replace(m, value=float(2 * n)) if m.metric == "rows_used" else m
            for m in frame.measurements
        ),
        warnings=(*frame.warnings, note),
    )


def _used(spec: RunSpec) -> tuple[str, ...]:
    """Return the columns of the formulas, in their order: counts only where they are predictors."""
    formulas = [parse_formula(spec.model.formula)]
    formulas += [parse_right_side(text) for text in spec.model.components.values()]
    return tuple(dict.fromkeys(name for formula in formulas for name in formula.variables()))


def _woven(control: np.ndarray, treatment: np.ndarray) -> np.ndarray:
    return np.stack([control, treatment], axis=1).ravel().astype(np.int64)


def _taken(name: str) -> DataError:
    return DataError(
        "data.arms-column",
        f"the data have a column {name!r} already, which `arms` gives to the rows of each arm",
        Where(key="arms"),
        f"give it another name in data.query: SELECT * RENAME ({name} AS other) FROM data",
    )


def read_counts(arms: ArmsSpec, frame: Frame) -> Counts:
    """Return the counts of both arms of each row of the file.

    Raises
    ------
    InputErrors
        Everything that makes them no counts: fractions, negative ones, more successes than
        trials, no trials, a total that has no half.
    """
    assert arms.counts is not None  # the caller's to know
    errors: list[HiermixError] = []
    found: list[np.ndarray] = []
    bad_trials = False
    one_column = arms.counts[0].trials == arms.counts[1].trials
    halved = one_column and arms.users == "total"
    for side, columns in zip(SIDES, arms.counts, strict=True):
        successes = frame.table[columns.successes].to_numpy(dtype=np.float64)
        trials = frame.table[columns.trials].to_numpy(dtype=np.float64)
        arm = _Arm(side, frame.row_numbers)
        wrong = [*arm.no_counts(SUCCESSES, columns.successes, successes)]
        if side == SIDES[0] or not one_column:
            wrong += arm.no_counts(TRIALS, columns.trials, trials)
            wrong += arm.none(columns.trials, trials)
            if halved and not wrong:
                wrong += arm.odd(columns.trials, trials)
            bad_trials = bool(wrong)
        trials = trials / 2 if halved else trials
        if not (wrong or bad_trials):
            wrong += arm.too_many(columns.successes, successes, trials, halved)
        errors += wrong
        found += [successes, trials]
    if errors:
        raise InputErrors(errors)
    return Counts(*found)


class _Arm:
    """Words errors about the counts of one arm."""

    def __init__(self, side: str, row_numbers: np.ndarray) -> None:
        self._side = side
        self._numbers = row_numbers

    def no_counts(self, key: str, name: str, values: np.ndarray) -> Iterator[DataError]:
        bad = ~((values == np.floor(values)) & (values >= 0) & (values <= MAX_EXACT))
        if bad.any():
            shown = self._shown(bad, lambda i: f"{values[i]:g}")
            yield self._because(key, name, f"{shown}; whole numbers >= 0 needed", "count users")

    def none(self, name: str, trials: np.ndarray) -> Iterator[DataError]:
        if (trials == 0).any():
            shown = self._shown(trials == 0, lambda i: "0")
            yield self._because(TRIALS, name, f"{shown}; trials > 0 needed", "leave out such rows")

    def odd(self, name: str, total: np.ndarray) -> Iterator[DataError]:
        bad = total % 2 == 1
        if bad.any():
            shown = self._shown(bad, lambda i: f"{total[i]:.0f}")
            problem = f"{shown}; an odd total has no half for each arm"
            yield self._because(TRIALS, name, problem, "name the trials of each arm")

    def too_many(
        self, name: str, successes: np.ndarray, trials: np.ndarray, halved: bool
    ) -> Iterator[DataError]:
        bad = successes > trials
        if bad.any():
            shown = self._shown(bad, lambda i: f"{successes[i]:.0f} of {trials[i]:.0f} trials")
            hint = "with `users: per-arm` each arm has all of them" if halved else ""
            problem = f"more successes than trials: {shown}"
            yield self._because(SUCCESSES, name, problem, hint or "check the two columns")

    def _shown(self, bad: np.ndarray, text: Callable[[int], str]) -> str:
        places = np.flatnonzero(bad)
        named = [f"{text(int(i))} at row {self._numbers[i]}" for i in places[:SHOWN]]
        more = f" ({len(places)} in all)" if len(places) > SHOWN else ""
        return ", ".join(named) + more

    def _because(self, key: str, name: str, problem: str, hint: str) -> DataError:
        return DataError(
            "data.arms-counts",
            f"{name}: {self._side} arm: {problem}",
            Where(key=f"arms.{self._side}.{key}"),
            hint,
        )


def check_given_errors(
    spec: RunSpec, frame: Frame, values: np.ndarray, known_se: np.ndarray | None
) -> tuple[tuple[Measurement, ...], tuple[str, ...]]:
    """Compare known standard errors with what the counts behind the response say.

    Parameters
    ----------
    values, known_se
        The response, an effect a row, and its given standard errors, shape ``(n_obs,)``.

    Returns
    -------
    tuple
        Metric ``arms_se_factor``: by what factor, in the median row, the errors differ from the
        counts' own, 1 or more. And sentences, if the response is no effect of the counts.

    Raises
    ------
    InputErrors
        Counts are no counts.
    """
    if spec.arms is None or spec.arms.counts is None or known_se is None:
        return (), ()
    counts = read_counts(spec.arms, frame)
    found = matched(counts, values, known_se)
    if found is None:
        return (), (_unlike(counts, values, known_se),)
    note = _words(str(spec.model.known_se), found.ratio, found.scale, found.n_rows)
    factor = max(found.ratio, 1 / found.ratio)
    return (Measurement("arms_se_factor", "design", str(spec.model.known_se), factor, note),), ()


def _unlike(counts: Counts, values: np.ndarray, known_se: np.ndarray) -> str:
    """Say that the response is no effect of the counts, and which users would make it one."""
    for times, users, guess in (
        (2.0, "twice", "are the users of each arm taken for the total of both?"),
        (0.5, "half", "is the total of both arms taken for the users of each?"),
    ):
        other = replace(
            counts,
            control_trials=counts.control_trials * times,
            treatment_trials=counts.treatment_trials * times,
        )
        found = matched(other, values, known_se) if other.is_possible else None
        if found is not None:
            return (
                f"arms: the response is the counts' {found.scale} with {users} the users in each "
                f"arm: {guess} Its standard errors could not be checked"
            )
    return (
        "arms: the response is not the counts' own difference of rates, ratio or odds ratio "
        "(treatment against control), so that its standard errors could not be checked"
    )


def _words(name: str, ratio: float, scale: str, n_rows: int) -> str:
    rows = "1 row" if n_rows == 1 else f"the median of {n_rows} rows"
    text = f"{name} is {ratio:.2f} times the standard error that the counts give the {scale} "
    text += f"({rows})"
    if abs(ratio - ROOT_TWO) <= NEAR_ROOT_TWO:
        return (
            f"{text}, as if each arm had half its users: {name} looks like computed with the users "
            "of each arm taken for the total of both"
        )
    if abs(1 / ratio - ROOT_TWO) <= NEAR_ROOT_TWO:
        return (
            f"{text}, as if each arm had twice its users: {name} looks like computed with the "
            "total of both arms taken for the users of each"
        )
    return text
