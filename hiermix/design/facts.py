"""A design as plain values: terms, levels and their rows, what the response looks like."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hiermix.design.types import Design, LinearPart

FEW_VALUES = 10
"""Responses with at most so many different whole numbers are counted..."""

REPEATED = 3
"""...if there are at least so many rows a value."""

MAX_CATEGORIES = 50


def part_facts(part: LinearPart) -> dict[str, Any]:
    """Return the terms of a linear predictor as JSON values."""
    correlated = {term.name for block in part.correlated_blocks for term in block.terms}
    return {
        "intercept": part.intercept,
        "common": [{"term": term.name, "columns": list(term.columns)} for term in part.common],
        "group": [
            {
                "term": term.name,
                "factor": term.factor.name,
                "columns": list(term.columns),
                "correlated": term.name in correlated,
                "bar": term.bar,
            }
            for term in part.group
        ],
        "offset": part.offset is not None,
    }


def factor_facts(parts: Sequence[LinearPart]) -> Iterator[dict[str, Any]]:
    """Yield levels and rows per level of each grouping factor, each once."""
    factors = {factor.name: factor for part in parts for factor in part.factors}
    for factor in factors.values():
        counts = [int(count) for count in factor.counts]
        yield {
            "factor": factor.name,
            "levels": factor.n_groups,
            "rows_min": min(counts),
            "rows_median": float(statistics.median(counts)),
            "rows_max": max(counts),
            "single_row_levels": sum(count == 1 for count in counts),
        }


def contextual_facts(design: Design) -> Iterator[dict[str, Any]]:
    """Yield, for each factor with group means, their form, terms and columns."""
    contextual = design.contextual
    if contextual is None:
        return
    for group, terms in contextual.terms.items():
        yield {
            "group": group,
            "form": contextual.forms[group],
            "terms": list(terms),
            "columns": [
                {"column": c.source, "within": c.within, "mean": c.mean}
                for c in contextual.columns
                if c.group == group
            ],
        }


def response_facts(design: Design) -> dict[str, Any]:
    """Return what the fitted rows say of the response.

    Always ``name`` and ``kind``. Numbers: ``mean``, ``sd`` (n - 1), ``min``, ``max``, the latter
    two ``None`` where only means of merged rows are known; ``counts`` of each value where there
    are few. Proportions: ``successes``, ``trials`` (sums), ``trials_min``, ``trials_max``,
    ``share_min``, ``share_max`` (of a row). Categories: ``counts``. Known standard errors:
    ``se_min``, ``se_max``. Rows that stand for several count as often.
    """
    response, rows = design.response, design.rows
    values = np.asarray(response.values, dtype=float)
    facts: dict[str, Any] = {"name": response.name, "kind": response.kind}
    if design.known_se is not None:
        facts |= {"se_min": float(design.known_se.min()), "se_max": float(design.known_se.max())}
    if values.ndim != 1:
        return facts
    if response.levels is not None:
        counts = np.bincount(values.astype(int), weights=rows, minlength=len(response.levels))
        named = zip(response.levels, counts.tolist(), strict=True)
        return {**facts, "counts": {name: int(n) for name, n in list(named)[:MAX_CATEGORIES]}}
    if response.trials is not None:
        return {**facts, **_proportion(values, np.asarray(response.trials, dtype=float), rows)}
    if response.status is not None:
        words = {-1: "left", 0: "none", 1: "right"}
        facts["censored"] = {
            word: int(rows[response.status == code].sum()) for code, word in words.items()
        }
    return {**facts, **_numbers(values, rows, design.within_ss)}


def _proportion(values: np.ndarray, trials: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    some = trials > 0
    shares = values[some] / trials[some]
    return {
        "successes": float((values * rows).sum()),
        "trials": float((trials * rows).sum()),
        "trials_min": float(trials.min()),
        "trials_max": float(trials.max()),
        "share_min": float(shares.min()) if len(shares) else None,
        "share_max": float(shares.max()) if len(shares) else None,
    }


def _numbers(values: np.ndarray, rows: np.ndarray, within_ss: float) -> dict[str, Any]:
    n = float(rows.sum())
    mean = float((values * rows).sum() / n)
    squares = within_ss + float((rows * (values - mean) ** 2).sum())
    only_means = within_ss > 0
    facts: dict[str, Any] = {
        "mean": mean,
        "sd": float(np.sqrt(squares / (n - 1))) if n > 1 else None,
        "min": None if only_means else float(values.min()),
        "max": None if only_means else float(values.max()),
    }
    if only_means:
        return facts
    distinct, where = np.unique(values, return_inverse=True)
    few = len(distinct) <= FEW_VALUES and n >= REPEATED * len(distinct)
    if few and bool((distinct == np.round(distinct)).all()):
        counts = np.bincount(where, weights=rows)
        facts["counts"] = {f"{v:g}": int(c) for v, c in zip(distinct, counts, strict=True)}
    return facts
