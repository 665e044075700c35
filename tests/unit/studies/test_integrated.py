"""Densities of levels with their effects integrated out, against other ways to integrate."""

import numpy as np
import pytest
from model_support import panel, plan_of
from scipy import integrate, special, stats

from hiermix.studies import integrated, quadrature
from hiermix.studies.integrated import level_densities, why_not_integrated
from hiermix.summary.group_effects import group_effects
from hiermix.summary.weights import row_model
from tests.unit.summary import small

N_DRAWS = 20
CLOSED_FORM = 1e-7  # relative; the root of the correlation matrix is perturbed by 1e-10
QUADRATURE = 2e-3  # absolute, of a log density; 21 or 13 x 13 nodes


def draws_of(plan, seed=2):
    draws = small.normal(np.random.default_rng(seed), plan, N_DRAWS)
    for parameter in plan.parameters:
        if parameter.role in ("common", "group_specific"):
            draws[parameter.name] = 0.3 * draws[parameter.name]
        if parameter.role == "correlation":
            draws[parameter.name] = np.tanh(draws[parameter.name])
    return draws


def found(plan, draws, terms=("Intercept",), group="g"):
    fit = small.fit(plan, draws)
    effects = group_effects(fit, plan, small.scalars(plan), 0.9, "eti")
    own = effects[effects["group"] == group]
    means = np.column_stack(
        [own.loc[own["term"] == term, "coefficient_mean"].to_numpy() for term in terms]
    )
    factor = next(f for f in plan.design.main.factors if f.name == group)
    result = level_densities(fit, plan, row_model(fit, plan), factor, means)
    return result.values.reshape(N_DRAWS, -1), factor


@pytest.mark.parametrize("options", [{}, {"known_se": "se"}])
def test_gaussian_levels_have_the_density_of_a_dense_normal(options) -> None:
    data = panel()
    plan = plan_of(data, "y ~ x + z + offset(z) + (x | g) + (1 | h)", **options)
    draws = draws_of(plan)
    values, factor = found(plan, draws, ("Intercept", "x"))
    h = plan.design.main.factors[1].index
    for s in range(0, N_DRAWS, 7):
        one, slope = draws["1|g_sigma"][s], draws["x|g_sigma"][s]
        both = draws["cor|g"][s, 0] * one * slope
        between = np.array([[one**2, both], [both, slope**2]])
        mean = draws["Intercept"][s] + draws["x"][s] * data["x"] + draws["z"][s] * data["z"]
        mean = (mean + data["z"]).to_numpy() + draws["1|h"][s][h]
        noise = data["se"] ** 2 if options else np.full(len(data), draws["sigma"][s] ** 2)
        for level in range(factor.n_groups):
            at = np.flatnonzero(factor.index == level)
            z = np.column_stack([np.ones(len(at)), data["x"].to_numpy()[at]])
            covariance = z @ between @ z.T + np.diag(noise.iloc[at] if options else noise[at])
            dense = stats.multivariate_normal(mean[at], covariance).logpdf(data["y"].to_numpy()[at])
            assert values[s, level] == pytest.approx(dense, rel=CLOSED_FORM)


def test_weights_multiply_log_densities() -> None:
    data = panel()
    plan = plan_of(data, "weighted(y, w) ~ 1 + (1 | g)")
    draws = draws_of(plan)
    values, factor = found(plan, draws)
    y, w = data["y"].to_numpy(), data["w"].to_numpy()
    s = 4
    for level in range(factor.n_groups):
        at = factor.index == level

        def density(u, at=at):
            mean = draws["Intercept"][s] + u
            each = stats.norm(mean, draws["sigma"][s]).logpdf(y[at])
            return np.exp((w[at] * each).sum()) * stats.norm(0, draws["1|g_sigma"][s]).pdf(u)

        whole, _ = integrate.quad(density, -12, 12, epsabs=0, limit=400)
        assert values[s, level] == pytest.approx(np.log(whole), rel=1e-6)


@pytest.mark.parametrize("family", ["binomial", "poisson", "bernoulli"])
def test_one_effect_a_level_is_integrated_as_by_adaptive_quadrature(family: str) -> None:
    data = panel()
    left = {"binomial": "p(k, n)", "poisson": "count", "bernoulli": "hit"}[family]
    plan = plan_of(data, f"{left} ~ x + (1 | g)", family=family)
    draws = draws_of(plan)
    values, factor = found(plan, draws)
    for s in range(0, N_DRAWS, 5):
        tau = draws["1|g_sigma"][s]
        for level in range(factor.n_groups):
            rows = data[factor.index == level]
            rest = draws["Intercept"][s] + draws["x"][s] * rows["x"].to_numpy()

            def density(v, rest=rest, rows=rows, tau=tau):
                eta = rest + tau * v
                if family == "poisson":
                    each = stats.poisson.logpmf(rows["count"], np.exp(eta))
                elif family == "binomial":
                    each = stats.binom.logpmf(rows["k"], rows["n"], special.expit(eta))
                else:
                    each = stats.bernoulli.logpmf(rows["hit"], special.expit(eta))
                return np.exp(each.sum() - v**2 / 2) / np.sqrt(2 * np.pi)

            whole, _ = integrate.quad(density, -8, 8, epsabs=0, limit=400)
            assert values[s, level] == pytest.approx(np.log(whole), abs=QUADRATURE)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
def test_rows_whose_chance_is_all_but_certain_do_not_spoil_their_level(link: str) -> None:
    data = panel()
    data["hit"] = (data["x"] > 0).astype(int)
    plan = plan_of(data, "hit ~ x + (1 | g)", family="bernoulli", link=link)
    draws = draws_of(plan)
    draws["x"] = 60 + draws["x"]
    values, factor = found(plan, draws)
    survival = {
        "logit": special.log_expit,
        "cloglog": lambda eta: np.where(eta < -40, eta, np.log(-np.expm1(-np.exp(eta)))),
    }[link]
    v = np.linspace(-8, 8, 4001)[:, None]
    for s in (0, 11):
        for level in range(factor.n_groups):
            rows = data[factor.index == level]
            eta = draws["Intercept"][s] + draws["x"][s] * rows["x"].to_numpy()
            eta = eta + draws["1|g_sigma"][s] * v
            miss = special.log_expit(-eta) if link == "logit" else -np.exp(eta)
            each = np.where(rows["hit"].to_numpy() == 1, survival(eta), miss)
            density = np.exp(each.sum(axis=1) - v[:, 0] ** 2 / 2) / np.sqrt(2 * np.pi)
            whole = np.log(integrate.trapezoid(density, v[:, 0]))
            assert values[s, level] == pytest.approx(whole, abs=QUADRATURE)


def test_two_correlated_effects_a_level_are_integrated_as_on_a_fine_grid() -> None:
    data = panel()
    plan = plan_of(data, "p(k, n) ~ z + (z | g)", family="binomial")
    draws = draws_of(plan)
    values, factor = found(plan, draws, ("Intercept", "z"))
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    one, two = np.meshgrid(nodes, nodes)
    weight = np.outer(weights, weights) / (2 * np.pi)
    for s in (0, 9):
        correlation = draws["cor|g"][s, 0]
        u = draws["1|g_sigma"][s] * one
        v = draws["z|g_sigma"][s] * (correlation * one + np.sqrt(1 - correlation**2) * two)
        for level in range(factor.n_groups):
            rows = data[factor.index == level]
            total = np.zeros_like(u)
            for k, n, z in zip(rows["k"], rows["n"], rows["z"], strict=True):
                eta = draws["Intercept"][s] + u + (draws["z"][s] + v) * z
                total += stats.binom.logpmf(k, n, special.expit(eta))
            fine = np.log((weight * np.exp(total)).sum())
            assert values[s, level] == pytest.approx(fine, abs=QUADRATURE)


def test_counts_far_from_what_a_draw_expects_are_integrated_at_their_mode() -> None:
    data = panel()
    data.loc[data["g"] == "g1", "count"] += 600
    plan = plan_of(data, "count ~ 1 + (1 | g)", family="poisson")
    draws = draws_of(plan)
    draws["1|g_sigma"][:10] = np.geomspace(0.01, 0.5, 10)
    values, factor = found(plan, draws)
    v = np.linspace(-20, 250, 300_001)
    for s in range(10):
        for level in (0, 1):
            counts = data["count"].to_numpy()[factor.index == level]
            eta = draws["Intercept"][s] + draws["1|g_sigma"][s] * v
            each = sum(stats.poisson.logpmf(k, np.exp(eta)) for k in counts)
            fine = special.logsumexp(each + stats.norm.logpdf(v)) + np.log(v[1] - v[0])
            assert values[s, level] == pytest.approx(fine, abs=0.01)


def test_pieces_of_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(panel(), "count ~ x + (1 | g)", family="poisson")
    draws = draws_of(plan)
    whole, _ = found(plan, draws)
    monkeypatch.setattr(quadrature, "CHUNK_CELLS", 3 * plan.design.n_obs)
    np.testing.assert_allclose(found(plan, draws)[0], whole, rtol=1e-9)


@pytest.mark.parametrize(
    ("formula", "options", "said"),
    [
        ("y ~ 1 + (1 | g)", {"family": "t"}, "family t"),
        ("y ~ 1 + (1 | g)", {"components": {"sigma": "~ z"}}, "component"),
        ("censored(y, status) ~ 1 + (1 | g)", {}, "censored"),
        ("count ~ 1 + (0 + f + z | g)", {"family": "poisson"}, "4 effects"),
    ],
)
def test_what_has_no_integral_is_said(formula, options, said) -> None:
    plan = plan_of(panel(), formula, **options)
    n = sum(len(t.columns) for t in plan.design.main.group)
    assert said in why_not_integrated(plan, n)


def test_too_many_rows_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(panel(), "count ~ 1 + (1 | g)", family="poisson")
    rows = plan.design.n_obs
    monkeypatch.setattr(integrated, "MAX_ROWS", rows * 21 * integrated.MIN_DRAWS)
    assert why_not_integrated(plan, 1) == ""
    monkeypatch.setattr(integrated, "MAX_ROWS", rows * 21 * integrated.MIN_DRAWS - 1)
    assert why_not_integrated(plan, 1) == f"{rows} rows are too many"
