"""Densities of rows with new levels, against dense normals and quadrature."""

import numpy as np
import pytest
from model_support import panel, plan_of
from scipy import special, stats

from hiermix.studies.integrated import effect_roots
from hiermix.studies.training import rows_of, training_plan
from hiermix.studies.unseen import unseen_rows
from hiermix.studies.unseen_densities import (
    UnseenOutcome,
    log_densities,
    why_not_scored,
)
from hiermix.summary.weights import row_model
from tests.unit.summary import small

N_DRAWS = 12
CLOSED_FORM = 1e-7  # relative; the root of the correlation matrix is perturbed by 1e-10
QUADRATURE = 2e-3  # absolute, of a log density


def unseen(data, formula, held, **options):
    """Return held-out rows under draws made by hand, the draws, and the training plan."""
    whole = plan_of(data, formula, **options)
    plan = training_plan(whole, np.flatnonzero(~held))
    draws = small.normal(np.random.default_rng(2), plan, N_DRAWS)
    for parameter in plan.parameters:
        if parameter.role in ("common", "group_specific"):
            draws[parameter.name] = 0.3 * draws[parameter.name]
        if parameter.role == "correlation":
            draws[parameter.name] = np.tanh(draws[parameter.name])
    fit = small.fit(plan, draws)
    design = rows_of(whole.design, np.flatnonzero(held))
    main = unseen_rows(fit, plan, plan.design.main, design.main, design.n_obs, np.arange(N_DRAWS))
    over = training_plan(whole, np.flatnonzero(held))
    sigma = draws["sigma"][:, None] if "sigma" in draws else None
    if design.known_se is not None:
        sigma = design.known_se[None, :]
    rows = None if plan.family == "gaussian" else row_model(small.fit(over, _zeros(over)), over)
    return UnseenOutcome(over, rows, main.eta(), main.new, sigma), draws, plan


def _zeros(plan):
    return {p.name: np.zeros((N_DRAWS, *p.shape)) for p in plan.parameters}


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("options", [{}, {"known_se": "se"}])
def test_new_levels_of_two_factors_make_a_dense_normal(options) -> None:
    data = panel()
    held = data["g"].isin(["g1", "g4"]).to_numpy() | (np.arange(len(data)) % 7 == 0)
    outcome, draws, plan = unseen(
        data, "y ~ x + offset(z) + (x | g) + (1 | g:sub) + (1 | h)", held, **options
    )
    assert {new.factor for new in outcome.new} == {"g", "g:sub"}
    own = data[held]
    y, x, z = (own[name].to_numpy() for name in ("y", "x", "z"))
    g, h = own["g"].to_numpy(), own["h"].to_numpy()
    sub = (own["g"] + ":" + own["sub"]).to_numpy()
    known_g, known_sub, known_h = (f.levels for f in plan.design.main.factors)
    pieces = np.unique(g, return_inverse=True)[1]
    joint = log_densities(outcome, np.zeros(len(own), dtype=int), rng())
    by_level = log_densities(outcome, pieces, rng())
    single = log_densities(outcome, np.arange(len(own)), rng())
    assert joint.integrated
    for s in range(0, N_DRAWS, 3):
        one, slope = draws["1|g_sigma"][s], draws["x|g_sigma"][s]
        both = draws["cor|g"][s, 0] * one * slope
        mean = draws["Intercept"][s] + draws["x"][s] * x + z
        mean += [draws["1|h"][s, known_h.index(level)] for level in h]
        for i, level in enumerate(g):
            if level in known_g:
                at = known_g.index(level)
                mean[i] += draws["1|g"][s, at] + draws["x|g"][s, at] * x[i]
            if sub[i] in known_sub:
                mean[i] += draws["1|g:sub"][s, known_sub.index(sub[i])]
        new_g = ~np.isin(g, known_g)
        new_sub = ~np.isin(sub, known_sub)
        same_g = (g[:, None] == g) & new_g[:, None] & new_g
        same_sub = (sub[:, None] == sub) & new_sub[:, None] & new_sub
        between = one**2 + both * (x[:, None] + x) + slope**2 * x[:, None] * x
        covariance = same_g * between + same_sub * draws["1|g:sub_sigma"][s] ** 2
        noise = own["se"].to_numpy() ** 2 if options else draws["sigma"][s] ** 2
        covariance = covariance + np.diag(np.broadcast_to(noise, len(y)))
        dense = stats.multivariate_normal(mean, covariance).logpdf(y)
        assert joint.values[s, 0] == pytest.approx(dense, rel=CLOSED_FORM)
        marginal = stats.norm(mean, np.sqrt(np.diag(covariance))).logpdf(y)
        np.testing.assert_allclose(single.values[s], marginal, rtol=CLOSED_FORM)
        for piece in range(pieces.max() + 1):
            at = np.flatnonzero(pieces == piece)
            dense = stats.multivariate_normal(mean[at], covariance[np.ix_(at, at)]).logpdf(y[at])
            assert by_level.values[s, piece] == pytest.approx(dense, rel=CLOSED_FORM)


def test_weights_multiply_log_densities() -> None:
    data = panel()
    held = (data["g"] == "g3").to_numpy()
    outcome, draws, _ = unseen(data, "weighted(y, w) ~ 1 + (1 | g)", held)
    joint = log_densities(outcome, np.zeros(held.sum(), dtype=int), rng()).values
    own, s = data[held], 5
    u = np.linspace(-12, 12, 40_001)
    mean = draws["Intercept"][s] + u
    each = stats.norm.logpdf(own["y"].to_numpy(), mean[:, None], draws["sigma"][s])
    total = each @ own["w"].to_numpy() + stats.norm.logpdf(u, 0, draws["1|g_sigma"][s])
    whole = special.logsumexp(total) + np.log(u[1] - u[0])
    assert joint[s, 0] == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("family", ["binomial", "poisson", "bernoulli"])
def test_counts_are_integrated_over_new_levels_and_known_ones_are_used(family: str) -> None:
    data = panel()
    held = data["g"].isin(["g1", "g4"]).to_numpy() | (np.arange(len(data)) % 5 == 0)
    left = {"binomial": "p(k, n)", "poisson": "count", "bernoulli": "hit"}[family]
    outcome, draws, plan = unseen(data, f"{left} ~ x + (1 | g)", held, family=family)
    own = data[held]
    g, x = own["g"].to_numpy(), own["x"].to_numpy()
    joint = log_densities(outcome, np.zeros(len(own), dtype=int), rng())
    single = log_densities(outcome, np.arange(len(own)), rng()).values
    assert joint.integrated
    known = plan.design.main.factors[0].levels
    v = np.linspace(-10, 10, 4001)

    def densities(eta, at):
        if family == "poisson":
            return stats.poisson.logpmf(own["count"].to_numpy()[at], np.exp(eta))
        if family == "binomial":
            return stats.binom.logpmf(own["k"].to_numpy()[at], 12, special.expit(eta))
        return stats.bernoulli.logpmf(own["hit"].to_numpy()[at], special.expit(eta))

    def integral(each):
        return special.logsumexp(each + stats.norm.logpdf(v)) + np.log(v[1] - v[0])

    for s in range(0, N_DRAWS, 4):
        rest = draws["Intercept"][s] + draws["x"][s] * x
        total = 0.0
        for level in np.unique(g):
            at = np.flatnonzero(g == level)
            if level in known:
                total += densities(rest[at] + draws["1|g"][s, known.index(level)], at).sum()
                continue
            each = densities(rest[at][None] + draws["1|g_sigma"][s] * v[:, None], at)
            total += integral(each.sum(axis=1))
            alone = integral(each[:, 0])
            assert single[s, at[0]] == pytest.approx(alone, abs=QUADRATURE)
        assert joint.values[s, 0] == pytest.approx(total, abs=2 * QUADRATURE)


def test_counts_of_new_levels_of_two_factors_are_drawn_and_said_to_be() -> None:
    data = panel()
    held = (data["g"] == "g2").to_numpy()
    outcome, _, _ = unseen(data, "count ~ 1 + (1 | g / sub)", held, family="poisson")
    found = log_densities(outcome, np.zeros(held.sum(), dtype=int), np.random.default_rng(3))
    assert not found.integrated
    stream = np.random.default_rng(3)
    eta = outcome.eta + sum(new.drawn(stream) for new in outcome.new)
    each = stats.poisson.logpmf(data["count"].to_numpy()[held], np.exp(eta))
    np.testing.assert_allclose(found.values[:, 0], each.sum(axis=1), rtol=1e-9)


def test_fresh_effects_have_the_covariance_of_the_levels() -> None:
    data = panel()
    held = data["g"].isin(["g1", "g4"]).to_numpy()
    outcome, draws, plan = unseen(data, "y ~ x + (x | g)", held)
    (new,) = outcome.new
    roots = effect_roots(small.fit(plan, draws), plan, plan.design.main, "g")
    np.testing.assert_array_equal(new.roots, roots)
    s, n = 3, 40_000
    repeated = type(new)(new.factor, new.level, new.columns, np.repeat(roots[s : s + 1], n, axis=0))
    added = repeated.drawn(rng())
    x, g = data["x"].to_numpy()[held], data["g"].to_numpy()[held]
    one, slope = draws["1|g_sigma"][s], draws["x|g_sigma"][s]
    both = draws["cor|g"][s, 0] * one * slope
    between = one**2 + both * (x[:, None] + x) + slope**2 * x[:, None] * x
    expected = np.where(g[:, None] == g, between, 0.0)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    # A sample correlation of n pairs has sd 1 / sqrt(n) at most.
    assert np.abs(np.cov(added.T) - expected).max() < 5 * np.sqrt(2 / n) * scale.max()


@pytest.mark.parametrize(
    ("formula", "options", "said"),
    [
        ("y ~ 1 + (1 | g)", {"family": "t"}, "family t"),
        ("y ~ 1 + (1 | g)", {"components": {"sigma": "~ z"}}, ""),
        ("y ~ 1 + (1 | g)", {"family": "t", "components": {"sigma": "~ z"}}, "component"),
        ("weighted(count, w) ~ 1 + (1 | g)", {"family": "poisson"}, "weighted"),
    ],
)
def test_models_without_a_log_score_say_why(formula, options, said) -> None:
    why = why_not_scored(plan_of(panel(), formula, **options))
    assert said in why and bool(said) == bool(why)
