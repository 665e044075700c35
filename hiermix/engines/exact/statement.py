"""The Gaussian model that the built ``bambi.Model`` states, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hiermix.design.types import Factor
from hiermix.model.plan import ModelPlan, correlation_name
from hiermix.spec.priors import Prior

if TYPE_CHECKING:
    from hiermix.engines.bambi_model import BuiltModel


@dataclass(frozen=True)
class Coefficients:
    """The common part: ``values`` ``(n, p)``, normal priors ``mean`` and ``sd`` ``(p,)``.

    The columns are those to which the priors refer: centred where there is an intercept. ``places``
    maps each term's printed name to its columns.
    """

    values: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    places: Mapping[str, list[int]]


@dataclass(frozen=True)
class FactorEffects:
    """All effects of the levels of one factor: ``values`` ``(n, q)``.

    ``sd_priors`` has one prior a column; ``blocks`` are sets of correlated columns, each with the
    ``eta`` of its LKJ prior; ``places`` maps each term's printed name to its columns.
    """

    factor: Factor
    values: np.ndarray
    sd_priors: tuple[Prior, ...]
    blocks: tuple[tuple[tuple[int, ...], float], ...]
    places: Mapping[str, list[int]]


@dataclass(frozen=True)
class Statement:
    """y ~ Normal(common + sum of group effects, sd / sqrt(weight)).

    ``y`` ``(n,)`` is without the offset, ``weight`` ``(n,)`` of the rows. ``sigma`` is the prior of
    the residual sd, or its number (1 where ``weight`` are known precisions). ``counted`` says that
    a row counts as ``weight`` rows, its log likelihood times the weight; ``within_ss`` is what such
    rows, where they are means, lack of the sum of squares.
    """

    y: np.ndarray
    weight: np.ndarray
    counted: bool
    sigma: Prior | float
    coefficients: Coefficients
    factors: tuple[FactorEffects, ...]
    within_ss: float = 0.0

    @property
    def n_rows(self) -> float:
        """How many rows the likelihood counts: the exponent of 1 / sigma."""
        return float(self.weight.sum()) if self.counted else float(len(self.y))


def read_statement(plan: ModelPlan, built: BuiltModel) -> Statement:
    """Read columns, indexes and priors from the model that Bambi built of ``plan``.

    Parameters
    ----------
    plan
        Gaussian, identity link, without centring (`engines.exact.engine` sees to that).
    built
        Its ``bambi.Model``: names are sterile there and mapped back by ``built.names``.

    Returns
    -------
    Statement
        What the engine samples; nothing of it is taken from the plan that Bambi has.
    """
    design = plan.design
    response = design.response
    terms = built.model.parameters[design.main.parameter].terms
    y = response.values.astype(float)
    offsets = [term.data for term in terms.values() if term.kind == "offset"]
    y = y - np.sum(offsets, axis=0) if offsets else y
    weight, counted = np.ones(len(y)), False
    sigma: Prior | float = 1.0
    if design.known_se is not None:
        weight = 1 / design.known_se**2
    else:
        stated = built.model.parameters["sigma"].prior
        sigma = float(stated) if isinstance(stated, int | float) else _priors(stated, 1)[0]
        if response.weights is not None:
            weight, counted = response.weights.astype(float), True
    return Statement(
        y,
        weight,
        counted,
        sigma,
        _coefficients(terms, built),
        _factors(plan, terms, built),
        plan.within_ss,
    )


def _coefficients(terms: Mapping[str, Any], built: BuiltModel) -> Coefficients:
    columns: list[np.ndarray] = []
    means: list[float] = []
    sds: list[float] = []
    places: dict[str, list[int]] = {}
    for name, term in terms.items():
        if name not in built.names or hasattr(term, "group_index"):
            continue
        values = np.asarray(term.data, dtype=float).reshape(len(term.data), -1)
        width = values.shape[1]
        places[built.names[name]] = list(range(len(means), len(means) + width))
        columns.append(values)
        means += list(np.broadcast_to(term.prior.args["mu"], (width,)).astype(float))
        sds += list(np.broadcast_to(term.prior.args["sigma"], (width,)).astype(float))
    n_obs = len(next(iter(terms.values())).data) if terms else 0
    matrix = np.column_stack(columns) if columns else np.zeros((n_obs, 0))
    return Coefficients(matrix, np.array(means), np.array(sds), places)


def _factors(
    plan: ModelPlan, terms: Mapping[str, Any], built: BuiltModel
) -> tuple[FactorEffects, ...]:
    main = plan.design.main
    by_label = {built.names[name]: term for name, term in terms.items() if name in built.names}
    result = []
    for factor in main.factors:
        own = [term for term in main.group if term.factor.name == factor.name]
        columns: list[np.ndarray] = []
        priors: list[Prior] = []
        places: dict[str, list[int]] = {}
        for term in own:
            stated = by_label[term.name]
            values = np.asarray(stated.data, dtype=float).reshape(len(factor.index), -1)
            places[term.name] = list(range(len(priors), len(priors) + values.shape[1]))
            columns.append(values)
            priors += _priors(stated.prior.args["sigma"], values.shape[1])
        blocks = []
        for block in main.correlated_blocks:
            if block.factor.name == factor.name:
                eta = _eta(plan, factor)
                members = tuple(i for t in block.terms for i in places[t.name])
                blocks.append((members, eta))
        result.append(
            FactorEffects(factor, np.column_stack(columns), tuple(priors), tuple(blocks), places)
        )
    return tuple(result)


def _eta(plan: ModelPlan, factor: Factor) -> float:
    prior = plan.parameter(correlation_name(factor.name)).prior
    assert isinstance(prior, tuple)  # correlations are never fixed
    return prior[0].get("eta")


def _priors(prior: Any, width: int) -> list[Prior]:
    """Return a Bambi prior as one of ours for each of ``width`` columns."""
    arguments = {
        name: np.broadcast_to(np.asarray(value, dtype=float), (width,))
        for name, value in prior.args.items()
    }
    return [
        Prior(prior.name, tuple((name, float(value[i])) for name, value in arguments.items()))
        for i in range(width)
    ]
