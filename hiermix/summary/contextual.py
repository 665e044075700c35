"""Within, between and contextual effects, and whether group means matter (Mundlak test)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from hiermix.diagnostics.chains import chain_statistics
from hiermix.summary.draws import draws_of
from hiermix.summary.estimators import comparison
from hiermix.summary.intervals import IntervalKind, interval, ordered, quantile
from hiermix.summary.tables import (
    ALL_GROUPS,
    ALL_TERMS,
    CRE_COLUMNS,
    DO_NOT_MATTER,
    MATTER,
    MUNDLAK_TEST,
    empty_cre,
)

if TYPE_CHECKING:
    from hiermix.design.cre import ContextualColumn
    from hiermix.engines.base import Fit
    from hiermix.model.plan import ModelPlan

EFFECTS = ("within", "between", "contextual")

LEVEL = 0.05
"""Group means matter if their posterior tail probability is below."""


@dataclass(frozen=True)
class _Effects:
    """Draws of one term's effects, shape ``(n_chains, n_draws)`` each."""

    group: str
    term: str
    label: str
    within: np.ndarray
    between: np.ndarray
    contextual: np.ndarray


def contextual_effects(
    fit: Fit, plan: ModelPlan, probability: float, kind: IntervalKind
) -> pd.DataFrame:
    """Return ``CRE_COLUMNS``: three rows for each column with group means, and the Mundlak tests.

    The *within* effect compares rows of the same level, the *between* effect the means of levels,
    and their difference is the *contextual* effect: what the level's mean does at the same x.
    All are computed draw by draw. ``prob_positive`` is the posterior probability of being above
    zero.

    The test asks whether the contextual effects are zero. ``wald_chi2`` is m' S^-1 m with their
    posterior means m and covariance S, ``wald_df`` its degrees of freedom and ``wald_p`` the
    chi-square tail. ``tail_probability`` is the share of draws d with a larger (d - m)' S^-1
    (d - m), counted as (1 + k) / (1 + n): it needs no normality. Below ``LEVEL`` the conclusion
    is that group means matter. Rows with the effect ``mundlak-test`` hold joint tests: of a term
    with several columns, of all terms of a factor, of all factors. Rows with the effects
    ``random`` and ``fixed`` hold other estimators of the within effect: see ``comparison``.

    Source: Mundlak 1978, doi:10.2307/1913646; the regression form of the Hausman test in Baltagi
    2021, section 4.3, doi:10.1007/978-3-030-53953-5.
    """
    contextual = plan.design.contextual
    if contextual is None or not contextual.columns:
        return empty_cre()
    effects = [e for c in contextual.columns for e in _effects(fit, plan, c)]
    rows: list[dict[str, Any]] = []
    for effect in effects:
        rows += _rows(effect, probability, kind)
    rows += _joint(effects)
    rows += comparison(plan, probability)
    return pd.DataFrame(rows, columns=list(CRE_COLUMNS))


def _effects(fit: Fit, plan: ModelPlan, column: ContextualColumn) -> Iterator[_Effects]:
    within, labels = column_draws(fit, plan, column.within)
    mean, _ = column_draws(fit, plan, column.mean)
    for i, label in enumerate(labels):
        w, m = within[..., i], mean[..., i]
        mundlak = column.form == "mundlak"
        yield _Effects(
            column.group,
            column.term,
            column.source + label,
            w,
            w + m if mundlak else m,
            m if mundlak else m - w,
        )


def column_draws(fit: Fit, plan: ModelPlan, column: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the coefficient of a common column of the main linear predictor.

    Returns
    -------
    tuple
        Draws, shape ``(n_chains, n_draws, n)``, and ``n`` suffixes of the column's name: one
        empty text, or one for each category of a categorical response.
    """
    term = next(t for t in plan.design.main.common if column in t.columns)
    parameter = plan.parameter(plan.label(plan.design.main, term.name))
    sizes = fit.tree["posterior"].sizes
    draws = draws_of(fit, parameter).reshape(sizes["chain"], sizes["draw"], len(term.columns), -1)[
        :, :, term.columns.index(column)
    ]
    if draws.shape[-1] == 1:
        return draws, ("",)
    return draws, tuple(f"[{label}]" for label in parameter.dims[-1][1])


def _rows(effect: _Effects, probability: float, kind: IntervalKind) -> Iterator[dict[str, Any]]:
    draws = np.stack([effect.within, effect.between, effect.contextual])
    found = chain_statistics(draws)
    sorted_draws = ordered(draws.reshape(3, -1).T)
    lower, upper = interval(sorted_draws, probability, kind)
    median = quantile(sorted_draws, 0.5)
    for i, name in enumerate(EFFECTS):
        row = {
            "group": effect.group,
            "term": effect.label,
            "effect": name,
            "mean": found.mean[i],
            "sd": found.sd[i],
            "median": median[i],
            "lower": lower[i],
            "upper": upper[i],
            "mcse_mean": found.mcse_mean[i],
            "prob_positive": _probability_positive(sorted_draws[i]),
            "conclusion": "",
        }
        yield {**row, **mundlak_test([effect.contextual])} if name == "contextual" else row


def _probability_positive(draws: np.ndarray) -> float:
    return float("nan") if np.isnan(draws[0]) else float((draws > 0).mean())


def _joint(effects: Sequence[_Effects]) -> Iterator[dict[str, Any]]:
    groups = list(dict.fromkeys(e.group for e in effects))
    for group in groups:
        own = [e for e in effects if e.group == group]
        terms = list(dict.fromkeys(e.term for e in own))
        for term in terms:
            columns = [e for e in own if e.term == term]
            if len(columns) > 1:
                yield _test_row(group, term, columns)
        if len(terms) > 1:
            yield _test_row(group, ALL_TERMS, own)
    if len(groups) > 1:
        yield _test_row(ALL_GROUPS, ALL_TERMS, effects)


def _test_row(group: str, term: str, effects: Sequence[_Effects]) -> dict[str, Any]:
    tested = mundlak_test([e.contextual for e in effects])
    return {"group": group, "term": term, "effect": MUNDLAK_TEST, **tested}


def mundlak_test(contextual: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return the columns of the test that all of these effects are zero.

    Parameters
    ----------
    contextual
        Draws of each effect, of one shape.

    Returns
    -------
    dict
        NaN, and no conclusion, where a draw is not finite or the draws have no covariance.
    """
    draws = np.stack([d.ravel() for d in contextual], axis=1)
    nothing = {
        "tail_probability": np.nan,
        "wald_chi2": np.nan,
        "wald_df": float(draws.shape[1]),
        "wald_p": np.nan,
        "conclusion": "",
    }
    if not np.isfinite(draws).all():
        return nothing
    mean = draws.mean(axis=0)
    scale = draws.std(axis=0, ddof=1)
    if not (scale > 0).all():
        return nothing
    unit = (draws - mean) / scale
    root = np.linalg.qr(unit, mode="r") / np.sqrt(len(draws) - 1)
    if np.abs(np.diag(root)).min() < 1e-8:
        return nothing
    distance = np.square(np.linalg.solve(root.T, unit.T)).sum(axis=0)
    chi2 = float(np.square(np.linalg.solve(root.T, mean / scale)).sum())
    tail = (1 + int((distance >= chi2).sum())) / (1 + len(draws))
    return {
        "tail_probability": tail,
        "wald_chi2": chi2,
        "wald_df": float(draws.shape[1]),
        "wald_p": float(special.chdtrc(draws.shape[1], chi2)),
        "conclusion": MATTER if tail < LEVEL else DO_NOT_MATTER,
    }
