"""Joint draws of all population-level parameters of a plan from their priors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hiermix.design.types import ordered_pairs
from hiermix.model.lkj import beta_shapes, cholesky_rows
from hiermix.model.plan import ModelPlan, Parameter, correlation_name
from hiermix.studies.priors.sampling import Rng, draw_prior, ordered_normals

Draws = Mapping[str, np.ndarray]
"""Name of a parameter -> draws ``(*shape, n_draws)``."""


def draw_parameters(plan: ModelPlan, n: int, rng: Rng) -> dict[str, np.ndarray]:
    """Draw every parameter but the group-specific effects, ``(*shape, n)`` each.

    A fixed parameter has its number as every draw. The intercept is that at centred columns, to
    which its prior refers. Correlations come from LKJ, one matrix a bar of the formula.
    """
    found = {}
    for parameter in plan.parameters:
        if parameter.role == "group_specific":
            continue
        if parameter.role == "correlation":
            found[parameter.name] = _correlations(plan, parameter, n, rng)
        else:
            found[parameter.name] = _draw(plan, parameter, n, rng)
    return found


def lkj_correlations(size: int, eta: float, n: int, rng: Rng) -> np.ndarray:
    """Draw the correlations of ``size`` effects under LKJ(eta), shape ``(n_pairs, n)``.

    Source: `hiermix.model.lkj`. Each correlation is marginally ``2 Beta(b, b) - 1`` with
    ``b = eta + (size - 2) / 2``.
    """
    betas = [rng.beta(b, b, n) for b in beta_shapes(size, eta)]
    rows = cholesky_rows(betas)
    pairs = [
        np.asarray(sum(rows[m][j] * rows[i][j] for j in range(m + 1)))
        for m, i in ordered_pairs(size)
    ]
    return np.stack(pairs)


def _draw(plan: ModelPlan, parameter: Parameter, n: int, rng: Rng) -> np.ndarray:
    priors = parameter.prior
    if isinstance(priors, float):
        return np.full((*parameter.shape, n), priors)
    assert priors is not None  # only group-specific effects have none
    if parameter.name == "threshold" and plan.family == "cumulative":
        mu, sigma = (np.array([p.get(name) for p in priors]) for name in ("mu", "sigma"))
        return ordered_normals(rng, mu, sigma, n)
    copies = int(np.prod(parameter.shape, dtype=int)) // len(priors)
    each = [draw_prior(prior, rng, copies * n).reshape(copies, n) for prior in priors]
    return np.stack(each).reshape(*parameter.shape, n)


def _correlations(plan: ModelPlan, parameter: Parameter, n: int, rng: Rng) -> np.ndarray:
    assert isinstance(parameter.prior, tuple)
    eta = parameter.prior[0].get("eta")
    copies = int(np.prod(parameter.shape[1:], dtype=int))
    found = []
    for part in plan.parts:
        for block in part.correlated_blocks:
            if plan.label(part, correlation_name(block.factor.name)) == parameter.name:
                pairs = lkj_correlations(len(block.columns), eta, copies * n, rng)
                found.append(pairs.reshape(len(pairs), copies, n))
    return np.concatenate(found).reshape(*parameter.shape, n)
