"""Draws of all parameters of a Gaussian model, by their printed names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hiermix.design.types import ordered_pairs
from hiermix.engines.base import ChainProgress, FitRequest, ProgressListener
from hiermix.engines.draws import ChainDraws, RawDraws, load_chain, save_chain
from hiermix.engines.exact.chains import Path, run_chain, steps_per_draw
from hiermix.engines.exact.marginal import Drawn, Marginal
from hiermix.engines.exact.parameters import Values
from hiermix.engines.exact.proposal import Proposal, fit_proposal
from hiermix.engines.exact.statement import Statement
from hiermix.model.plan import correlation_name

ADAPTATION, VARIANCES, COEFFICIENTS = range(3)
"""Streams of random numbers: of the run, of each chain, of each chunk of a chain."""


def proposal_of(marginal: Marginal, seed: int, tune: int) -> Proposal | None:
    """Fit the proposal, which depends on nothing else; ``None`` if nothing is to be sampled."""
    if not marginal.parameters.size:
        return None
    rng = np.random.default_rng([seed, ADAPTATION])
    return fit_proposal(marginal.parameters, marginal.log_posterior, rng, tune)


def sample_all(
    marginal: Marginal,
    proposal: Proposal | None,
    statement: Statement,
    request: FitRequest,
    listener: ProgressListener,
) -> tuple[RawDraws, dict[str, Any]]:
    """Run the chains, draw coefficients and effects.

    Returns
    -------
    tuple
        Draws by printed names (intercepts at centred columns) with the statistics ``lp`` (log
        posterior density of the variance parameters, up to a constant) and ``acceptance_rate``;
        and what the manifest says of the sampling.
    """
    facts: dict[str, Any] = {"dimensions": marginal.parameters.size}
    if proposal is not None:
        facts |= {
            "proposal_components": len(proposal.share),
            "proposal_effective_share": proposal.effective,
            "proposals_a_draw": steps_per_draw(proposal.effective, marginal.is_costly),
        }
    shape = (request.chains, request.draws)
    values = _empty(statement, shape)
    stats = {"lp": np.empty(shape), "acceptance_rate": np.empty(shape)}
    for chain in range(request.chains):
        path = _path(marginal, proposal, request, chain)
        stats["lp"][chain], stats["acceptance_rate"][chain] = path.lp, path.acceptance
        _fill_variances(
            statement,
            marginal.parameters.values(path.points),
            {name: array[chain] for name, array in values.items()},
        )
        for part, drawn in marginal.draw(path.points, _generator(request.seed, chain)):
            _fill_effects(
                statement, drawn, {name: array[chain, part] for name, array in values.items()}
            )
            listener.progress(_progress(request, chain, part.stop))
    facts["acceptance_rate"] = float(stats["acceptance_rate"].mean())
    return RawDraws(values, stats), facts


def _path(marginal: Marginal, proposal: Proposal | None, request: FitRequest, chain: int) -> Path:
    """Return a chain of the variance parameters, kept from an interrupted run or new."""
    draws = request.draws
    if proposal is None:
        points = np.zeros((draws, 0))
        return Path(points, np.repeat(marginal.log_posterior(points[:1]), draws), np.ones(draws))
    if request.chain_store is not None:
        kept = load_chain(request.chain_store, chain, draws)
        if kept is not None:
            return Path(kept.values["points"], kept.stats["lp"], kept.stats["acceptance_rate"])
    path = run_chain(marginal, proposal, draws, [request.seed, VARIANCES, chain])
    if request.chain_store is not None:
        stats = {"lp": path.lp, "acceptance_rate": path.acceptance}
        save_chain(request.chain_store, chain, ChainDraws({"points": path.points}, stats))
    return path


def _generator(seed: int, chain: int) -> Callable[[int], np.random.Generator]:
    return lambda chunk: np.random.default_rng([seed, COEFFICIENTS, chain, chunk])


def _progress(request: FitRequest, chain: int, finished: int) -> tuple[ChainProgress, ...]:
    done = [request.draws] * chain + [finished] + [0] * (request.chains - chain - 1)
    return tuple(ChainProgress(c, n, request.draws, 0, False) for c, n in enumerate(done))


def _empty(statement: Statement, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    arrays = {
        name: np.empty(shape if len(places) == 1 else (*shape, len(places)))
        for name, places in statement.coefficients.places.items()
    }
    for effects in statement.factors:
        for name, places in effects.places.items():
            arrays[f"{name}_sigma"] = np.empty((*shape, len(places)))
            arrays[name] = np.empty((*shape, effects.factor.n_groups, len(places)))
        n_pairs = sum(len(ordered_pairs(len(m))) for m, _ in effects.blocks)
        if n_pairs:
            arrays[correlation_name(effects.factor.name)] = np.empty((*shape, n_pairs))
    if not isinstance(statement.sigma, float):
        arrays["sigma"] = np.empty(shape)
    return arrays


def _fill_variances(statement: Statement, found: Values, arrays: Mapping[str, np.ndarray]) -> None:
    for position, effects in enumerate(statement.factors):
        for name, places in effects.places.items():
            arrays[f"{name}_sigma"][:] = found.sds[position][:, places]
        if effects.blocks:
            arrays[correlation_name(effects.factor.name)][:] = np.hstack(
                [found.correlations(position, members) for members, _ in effects.blocks]
            )
    if "sigma" in arrays:
        arrays["sigma"][:] = found.sigma


def _fill_effects(statement: Statement, drawn: Drawn, arrays: Mapping[str, np.ndarray]) -> None:
    for name, places in statement.coefficients.places.items():
        arrays[name][:] = drawn.common[:, places].reshape(arrays[name].shape)
    for effects, own in zip(statement.factors, drawn.effects, strict=True):
        for name, places in effects.places.items():
            arrays[name][:] = own[:, :, places]
