"""What the design can support, measured before anything is sampled."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hiermix.design.rows import row_mean, row_sd
from hiermix.design.types import Factor, GroupTerm, LinearPart, Response
from hiermix.measurement import Measurement

RANK_TOLERANCE = 1e-9
"""Singular values of standardised columns below this share of the largest count as zero.

Float64 rounding in standardising and QR stays below 1e-13 here; a column known to 9 digits is
already useless to a sampler."""

NULL_VECTOR_SHARE = 1e-3
"""A column belongs to a linear dependency when its weight is at least this share of the largest."""

COPY = 1e-12
"""A column whose correlation with another is within this of 1 is that column, rescaled."""

DISTINCT = 8
"""Different values from which on a column does not agree with another by chance."""

LARGE_SCALE = 1e6
"""Sd of a column from which on a person is told to rescale it."""

OF_THE_MEAN = frozenset(
    {
        *("binomial", "exponential", "hurdle_poisson", "poisson"),
        *("zero_inflated_binomial", "zero_inflated_poisson"),
    }
)
"""Families whose mean says how much rows vary, several trials or events each. In the others one
row per level cannot tell the group sd from what a row varies by anyhow: a residual scale or
dispersion that is free, or a single outcome (bernoulli)."""

MAX_NAMES = 8
"""Columns that a measurement names; a factor of many levels has hundreds."""


def measure_design(
    main: LinearPart,
    response: Response,
    response_variables: tuple[str, ...],
    common_variables: tuple[str, ...],
    residual_is_free: bool,
    multiplicity: np.ndarray | None = None,
    within_ss: float = 0.0,
) -> tuple[Measurement, ...]:
    """Measure the design of the main linear predictor.

    Parameters
    ----------
    main
        Columns of the common part (``n_obs x n_common``) and group terms.
    response
        The left-hand side.
    response_variables, common_variables
        Data columns on the left and in the common part.
    residual_is_free
        Of `is_residual_free`.
    multiplicity
        Shape ``(n_obs,)``: how many rows of the data each row stands for; ``None`` for one.
    within_ss
        Sum of squares of the response about its values, where these are means of rows.

    Returns
    -------
    tuple of Measurement
        Metrics ``constant_columns``, ``design_rank_deficiency``, ``design_condition_number``,
        ``column_scale``, ``constant_response``, ``response_predictor`` (scope ``design``) and, a
        factor or group term each, ``group_levels``, ``single_row_share``,
        ``slope_levels_without_variation``, ``group_is_common``, ``observation_level_residual``.
    """
    found = [
        *measure_columns(main, multiplicity),
        _constant(response, within_ss),
        _copied(response, response_variables, common_variables, main, multiplicity, within_ss),
    ]
    categorical_terms = frozenset(t.variables for t in main.common if t.only_factors)
    for factor in main.factors:
        found += _factor(factor, categorical_terms, residual_is_free)
    for term in main.group:
        if term.expression != "1":
            found += _slope(term)
    return tuple(found)


def is_residual_free(family: str, response: Response, known: bool) -> bool:
    """Return whether one row per level cannot tell a group sd from what single rows vary by.

    Parameters
    ----------
    known
        Whether the residual scale or dispersion is given.
    """
    single = response.trials is not None and bool((response.trials == 1).all())
    return (family not in OF_THE_MEAN or single) and not known


def measure_columns(
    main: LinearPart, multiplicity: np.ndarray | None = None
) -> Iterator[Measurement]:
    """Yield what is measured on the common columns: constants, rank, condition, scale."""
    x = main.common_matrix
    names = main.common_columns
    if not names:
        yield Measurement("constant_columns", "design", "", 0.0)
        yield Measurement("design_rank_deficiency", "design", "", 0.0)
        return
    sd = row_sd(x, multiplicity)
    size = np.abs(x).max(axis=0)
    constant = sd <= 1e-12 * np.maximum(size, np.finfo(float).tiny)
    guilty = [name for name, bad in zip(names, constant, strict=True) if bad]
    yield Measurement(
        "constant_columns",
        "design",
        listed(guilty),
        float(len(guilty)),
        f"{listed(guilty)} {'is' if len(guilty) == 1 else 'are'} constant" if guilty else "",
    )
    scales = sd[~constant]
    if scales.size:
        largest = int(np.argmax(scales))
        free = [n for n, bad in zip(names, constant, strict=True) if not bad]
        yield Measurement(
            "column_scale",
            "design",
            free[largest],
            float(scales[largest]),
            f"{free[largest]} has sd {scales[largest]:.3g}"
            + (": rescale" if scales[largest] > LARGE_SCALE else ""),
        )
    mean = row_mean(x, multiplicity)
    scaled = (x - mean) / np.where(constant, 1.0, sd)
    if not main.intercept:
        scaled = x / np.sqrt(np.maximum(row_mean(x**2, multiplicity), np.finfo(float).tiny))
    if multiplicity is not None:
        scaled = scaled * np.sqrt(multiplicity)[:, None]
    kept = [name for name, bad in zip(names, constant, strict=True) if not bad]
    yield from _dependencies(scaled[:, ~constant], kept, main.intercept)


def _dependencies(scaled: np.ndarray, kept: list[str], intercept: bool) -> Iterator[Measurement]:
    if scaled.shape[1] == 0:
        yield Measurement("design_rank_deficiency", "design", "", 0.0)
        return
    r = np.linalg.qr(scaled, mode="r")
    _, singular, right = np.linalg.svd(r, full_matrices=True)
    padded = np.zeros(scaled.shape[1])
    padded[: len(singular)] = singular
    rank = int((padded > RANK_TOLERANCE * padded[0]).sum())
    missing = scaled.shape[1] - rank
    note = ""
    if missing:
        weight = np.abs(right[rank:]).max(axis=0)
        members = [
            n for n, w in zip(kept, weight, strict=True) if w > NULL_VECTOR_SHARE * weight.max()
        ]
        if intercept:
            members.append("Intercept")
        extra = 1 if intercept else 0
        note = (
            f"rank {rank + extra} of {scaled.shape[1] + extra}: "
            f"{listed(members)} are linearly dependent"
        )
    yield Measurement("design_rank_deficiency", "design", listed(kept), float(missing), note)
    condition = float(padded[0] / padded[-1]) if padded[-1] > 0 else float("inf")
    if not missing:
        yield Measurement("design_condition_number", "design", listed(kept), condition)


def listed(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _constant(response: Response, within_ss: float) -> Measurement:
    values = response.values
    if response.trials is not None:
        same = bool(np.ptp(values / np.maximum(response.trials, 1)) == 0)
    else:
        same = bool((values == values[0]).all()) and within_ss == 0
    return Measurement(
        "constant_response",
        "design",
        response.name,
        float(same),
        f"response {response.name} is constant" if same else "",
    )


def _copied(
    response: Response,
    response_variables: tuple[str, ...],
    common_variables: tuple[str, ...],
    main: LinearPart,
    multiplicity: np.ndarray | None,
    within_ss: float,
) -> Measurement:
    shared = [v for v in response_variables if v in common_variables]
    copies = [] if shared else list(_copies(main, response, multiplicity, within_ss))
    words = [f"{name} is the response and a predictor" for name in shared]
    words += [f"{name} {what}" for name, what in copies]
    return Measurement(
        "response_predictor",
        "design",
        ", ".join([*shared, *(name for name, _ in copies)]),
        float(len(words)),
        "; ".join(words),
    )


def _copies(
    main: LinearPart, response: Response, multiplicity: np.ndarray | None, within_ss: float
) -> Iterator[tuple[str, str]]:
    """Yield common columns that are the response rescaled, or its means by a grouping factor.

    Few values can agree by chance: three markets with 4, 4 and 7 successes are a treatment of one.
    """
    y = response.values / (response.trials if response.trials is not None else 1.0)
    if response.levels is not None:
        return
    rows = np.ones(len(y)) if multiplicity is None else multiplicity
    centred_y = y - row_mean(y, multiplicity)
    targets = [
        (
            f"holds the means of the response by {f.name}",
            (np.bincount(f.index, rows * centred_y, minlength=f.n_groups) / f.counts)[f.index],
        )
        for f in main.factors
        if f.n_groups < rows.sum()
    ]
    if not within_ss:
        targets.append(("is the response, rescaled", centred_y))
    root = np.sqrt(rows)
    size_y = float(np.sqrt(rows @ centred_y**2 + within_ss))
    targets = [
        (what, root * target)
        for what, target in targets
        if float(np.linalg.norm(root * target)) > 1e-6 * size_y
        and len(np.unique(np.round(target / np.abs(target).max(), 9))) >= DISTINCT
    ]
    for name, x in zip(main.common_columns, main.common_matrix.T, strict=True):
        centred = root * (x - row_mean(x, multiplicity))
        size = float(np.linalg.norm(centred))
        for what, target in targets:
            length = float(np.linalg.norm(target))
            if size > 0 and abs(centred @ target) >= (1 - COPY) * size * length:
                yield name, what
                break


def _factor(
    factor: Factor,
    categorical_terms: frozenset[tuple[str, ...]],
    residual_is_free: bool,
) -> Iterator[Measurement]:
    g = factor.n_groups
    yield Measurement(
        "group_levels",
        "design",
        factor.name,
        float(g),
        f"{factor.name}: {g} level{'' if g == 1 else 's'}; >= 2 needed, >= 5 advised",
    )
    single = float((factor.counts == 1).mean())
    yield Measurement(
        "single_row_share",
        "design",
        factor.name,
        single,
        f"{factor.name}: {int((factor.counts == 1).sum())} of {g} levels have one row",
    )
    as_common = factor.variables in categorical_terms
    yield Measurement(
        "group_is_common",
        "design",
        factor.name,
        float(as_common),
        f"{factor.name} is a common effect and a grouping factor" if as_common else "",
    )
    confounded = residual_is_free and int(factor.counts.max()) == 1
    yield Measurement(
        "observation_level_residual",
        "design",
        factor.name,
        float(confounded),
        f"every level of {factor.name} has one row: its sd cannot be told from what single rows "
        "vary by anyhow"
        if confounded
        else "",
    )


def _slope(term: GroupTerm) -> Iterator[Measurement]:
    factor = term.factor
    for name, z in zip(term.columns, term.values.T, strict=True):
        spread = level_sum_of_squares(factor, z)
        scale = float(np.ptp(z)) or 1.0
        flat = spread <= 1e-20 * scale**2 * factor.counts
        share = float(flat.mean())
        yield Measurement(
            "slope_levels_without_variation",
            "design",
            f"{name}|{factor.name}",
            share,
            f"{name} does not vary within any level of {factor.name}"
            if share == 1
            else f"{name} does not vary within {int(flat.sum())} of {factor.n_groups} levels "
            f"of {factor.name}",
        )


def level_sum_of_squares(factor: Factor, values: np.ndarray) -> np.ndarray:
    """Return the sum of squares about the level means, shape ``(n_groups,)``."""
    counts = np.bincount(factor.index, minlength=factor.n_groups)
    mean = np.bincount(factor.index, values, minlength=factor.n_groups) / counts
    return np.bincount(factor.index, (values - mean[factor.index]) ** 2, minlength=factor.n_groups)
