"""What a fit says about rows whose responses it was not given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hiermix.diagnostics.chains import mcse_of_means
from hiermix.studies.densities import log_mean
from hiermix.studies.predict.summary import Summary, summarise_rows
from hiermix.studies.unseen import UnseenRows, unseen_rows
from hiermix.studies.unseen_densities import (
    BY_DRAWS,
    Densities,
    UnseenOutcome,
    log_densities,
    why_not_scored,
)
from hiermix.summary.draws import draws_of, evenly_spaced
from hiermix.summary.families import PREDICTIVES, predicted
from hiermix.summary.links import INVERSE
from hiermix.summary.weights import row_model

if TYPE_CHECKING:
    from hiermix.design.types import Design, LinearPart
    from hiermix.gates import Verdict
    from hiermix.pipeline import RunResult

MAX_CELLS = 10_000_000
"""Rows times draws of predictions (80 MB an array): of more rows fewer draws are used."""

MIN_DRAWS = 100
"""Draws of each chain that are used at least."""

MAX_MCSE = 0.2
"""Monte Carlo error of a log score beyond which it understates itself: the mean over the draws is
then worth fewer than 25 independent ones. Where none of them is near what was observed, the error
that they show stays below 1, however far off the score is."""

FEW_DRAWS = "the log score rests on a few of the draws and may be far too low: raise fit.draws"

EFFECTS, OBSERVATIONS, SCORES = range(3)
"""Random streams of a prediction."""


@dataclass(frozen=True)
class Asked:
    """Which rows a fit predicts.

    Attributes
    ----------
    design
        The rows, with their responses and predictors, and only the levels that they have.
    piece
        Shape ``(n_obs,)``: the held-out level of each row, from 0, none of them empty; ``None``
        where no levels are held out.
    seed
        Of fresh effects and observations.
    """

    design: Design
    piece: np.ndarray | None
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Scores:
    """Log predictive densities of what was observed; NaN where there are none.

    Attributes
    ----------
    row
        Shape ``(n_obs,)``: log of the mean over the draws of each row's density.
    piece
        The same for the joint density of the rows of each level; ``None`` without levels.
    piece_mcse
        Monte Carlo errors of ``piece``.
    joint, mcse
        The same for all rows together, with its Monte Carlo error.
    reason
        Why there are none, or what to mind, in words; empty otherwise.
    """

    row: np.ndarray
    piece: np.ndarray | None
    piece_mcse: np.ndarray | None
    joint: float
    mcse: float
    reason: str = ""

    @property
    def unsure(self) -> bool:
        """Whether the joint score rests on a few of the draws."""
        return self.mcse > MAX_MCSE


@dataclass(frozen=True)
class HeldOut:
    """Predictions of rows.

    Attributes
    ----------
    rows
        Summary of a new observation at each row, shape ``(n_obs,)`` each.
    pieces
        The same for the mean of new observations at the rows of each level (of counts of trials,
        their share); ``None`` without levels.
    scores
        How probable what was observed is.
    coefficients
        Posterior means of the common terms by name, ``(k,)`` each.
    verdict, engine
        Of the fit.
    """

    rows: Summary
    pieces: Summary | None
    scores: Scores
    coefficients: Mapping[str, np.ndarray]
    verdict: Verdict
    engine: str


def predict_held_out(result: RunResult, asked: Asked) -> HeldOut:
    """Predict rows and score their responses.

    New levels have fresh draws from the distribution of the levels in what is predicted; in log
    scores they are integrated out draw by draw (see `log_densities`).

    Parameters
    ----------
    result
        A fit without these rows.
    asked
        The rows.
    """
    outputs = result.prepared.loaded.spec.outputs
    plan = result.prepared.plan
    kept = _kept(result, asked.design.n_obs)
    picks = kept.reshape(-1)
    unseen = {
        fitted.parameter: unseen_rows(result.fit, plan, fitted, part, asked.design.n_obs, picks)
        for fitted, part in _parts(plan.design, asked.design)
    }
    expected, observed = _drawn(result, asked, unseen, picks)
    rows = summarise_rows(observed.copy(), outputs.interval, outputs.interval_kind)
    rows = replace(rows, mean=expected.mean(axis=1))
    pieces = None
    if asked.piece is not None:
        means = [_means(values, asked.design, asked.piece) for values in (expected, observed)]
        pieces = summarise_rows(means[1], outputs.interval, outputs.interval_kind)
        pieces = replace(pieces, mean=means[0].mean(axis=1))
    return HeldOut(
        rows=rows,
        pieces=pieces,
        scores=_scores(result, asked, unseen, kept),
        coefficients={
            term.name: draws_of(result.fit, plan.parameter(term.name)).mean(axis=0).reshape(-1)
            for term in plan.design.main.common
        },
        verdict=result.verdict,
        engine=result.fit.engine,
    )


def _kept(result: RunResult, n_obs: int) -> np.ndarray:
    """Return positions of evenly spaced draws, shape ``(n_chains, n_kept)``."""
    sizes = result.fit.tree["posterior"].sizes
    n_chains, n_draws = sizes["chain"], sizes["draw"]
    most = min(n_draws, max(MIN_DRAWS, MAX_CELLS // (n_obs * n_chains)))
    kept = evenly_spaced(n_draws, most)
    return np.asarray(np.arange(n_chains)[:, None] * n_draws + kept)


def _parts(fitted: Design, asked: Design) -> list[tuple[LinearPart, LinearPart]]:
    pairs = [(fitted.main, asked.main)]
    return pairs + [(fitted.components[name], part) for name, part in asked.components.items()]


def _rng(asked: Asked, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([*asked.seed, stream]))


def _drawn(
    result: RunResult, asked: Asked, unseen: Mapping[str, UnseenRows], picks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return expected responses and new observations, shape ``(n_obs, n_draws)`` each."""
    plan, design = result.prepared.plan, asked.design
    effects = _rng(asked, EFFECTS)
    parameters: dict[str, np.ndarray] = {}
    for name, rows in unseen.items():
        eta = _eta(rows, effects)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            parameters[name] = INVERSE[plan.links[name]](eta).T
    for parameter in plan.parameters:
        if parameter.role in ("residual", "auxiliary"):
            parameters[parameter.name] = draws_of(result.fit, parameter)[picks].reshape(1, -1)
    if design.known_se is not None:
        parameters["sigma"] = design.known_se[:, None]
    if design.response.trials is not None:
        parameters["n"] = np.asarray(design.response.trials, dtype=float)[:, None]
    expected = predicted(plan.family, parameters, None)
    return expected, predicted(plan.family, parameters, _rng(asked, OBSERVATIONS))


def _eta(rows: UnseenRows, rng: np.random.Generator) -> np.ndarray:
    """Return a linear predictor with fresh effects of new levels, shape ``(n_draws, n_obs)``."""
    eta = rows.eta()
    for new in rows.new:
        eta = eta + new.drawn(rng)
    return eta


def _means(values: np.ndarray, design: Design, piece: np.ndarray) -> np.ndarray:
    """Return means by piece, ``(n_pieces, n_draws)``; of counts of trials, shares."""
    order = np.argsort(piece, kind="stable")
    starts = np.searchsorted(piece[order], np.arange(int(piece.max()) + 1))
    sizes = np.bincount(piece, design.response.trials)
    return np.asarray(np.add.reduceat(values[order], starts, axis=0) / sizes[:, None])


def _scores(
    result: RunResult, asked: Asked, unseen: Mapping[str, UnseenRows], kept: np.ndarray
) -> Scores:
    n_obs, piece = asked.design.n_obs, asked.piece
    why = why_not_scored(replace(result.prepared.plan, design=asked.design))
    if why:
        lost = None if piece is None else np.full(int(piece.max()) + 1, np.nan)
        return Scores(np.full(n_obs, np.nan), lost, lost, np.nan, np.nan, f"no log score: {why}")
    outcome = _outcome(result, asked, unseen, kept.reshape(-1))

    def scored(piece: np.ndarray) -> Densities:
        return log_densities(outcome, piece, _rng(asked, SCORES))

    joint = scored(np.zeros(n_obs, dtype=np.int64))
    integrated = joint.integrated and not any(unseen[name].new for name in asked.design.components)
    rows = scored(np.arange(n_obs)).values
    pieces = None if piece is None else scored(piece).values
    return Scores(
        log_mean(rows),
        None if pieces is None else log_mean(pieces),
        None if pieces is None else log_mean_mcse(pieces, kept.shape),
        float(log_mean(joint.values)[0]),
        float(log_mean_mcse(joint.values, kept.shape)[0]),
        "" if integrated else BY_DRAWS,
    )


def log_mean_mcse(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return Monte Carlo errors of `log_mean`, shape ``(n,)``: relative ones of the mean.

    Parameters
    ----------
    values
        Shape ``(n_draws, n)``.
    shape
        Chains and draws of each.
    """
    with np.errstate(invalid="ignore"):
        shares = np.exp(values - values.max(axis=0)).T.reshape(-1, *shape)
        return np.asarray(mcse_of_means(shares) / shares.mean(axis=(1, 2)))


def _outcome(
    result: RunResult, asked: Asked, unseen: Mapping[str, UnseenRows], picks: np.ndarray
) -> UnseenOutcome:
    plan, design = result.prepared.plan, asked.design
    main = unseen[design.main.parameter]
    over = replace(plan, design=design)
    if plan.family == "gaussian":
        if design.known_se is not None:
            sigma = design.known_se[None, :]
        elif "sigma" in unseen:
            sigma = INVERSE[plan.links["sigma"]](_eta(unseen["sigma"], _rng(asked, EFFECTS)))
        else:
            sigma = draws_of(result.fit, plan.parameter("sigma"))[picks].reshape(-1, 1)
        return UnseenOutcome(over, None, main.eta(), main.new, sigma)
    # Only responses and sizes of the rows are wanted, which no level plays a part in.
    levelless = replace(design, main=replace(design.main, group=()))
    plain = row_model(result.fit, replace(over, design=levelless))
    return UnseenOutcome(over, plain, main.eta(), main.new, None)


def why_not_predicted(design: Design, family: str) -> str:
    """Return why rows of a model cannot be held out, in words; empty if they can."""
    if family not in PREDICTIVES:
        return f"family {family} has no single number to predict"
    if design.response.kind in ("censored", "truncated"):
        return f"the response is {design.response.kind}: what was observed is not what is predicted"
    return ""
