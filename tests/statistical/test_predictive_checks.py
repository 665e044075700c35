"""Posterior predictive checks: how often a right model is warned of, and which misfits are seen."""

import numpy as np
import pandas as pd
import pytest
from predictive_support import simulated, studied
from scipy import stats

from hiermix.gates import judge
from hiermix.summary.predictive.check import predictive_checks, predictive_measurements

pytestmark = pytest.mark.statistical

SIZE = 60
"""Data sets of each kind."""


def judged(plan, fit):
    checks = predictive_checks(fit, plan, 0.9)
    verdict = judge(predictive_measurements(checks), policy="publish", phases={"posterior"})
    return {f.gate: f for f in verdict.findings}, checks


def warned(study):
    """Return, for each gate, what was named in each data set that it warns of."""
    found = {"predictive": [], "predictive_levels": []}
    for plan, fit in study.fits():
        for gate, finding in judged(plan, fit)[0].items():
            if finding.status == "warn":
                found[gate].append(finding.where)
    return found


RIGHT = [
    ("gaussian", 5, 8, None),
    ("gaussian", 40, 5, None),
    ("poisson", 5, 10, None),
    ("poisson", 60, 4, None),
    ("binomial", 8, 4, 10),
    ("binomial", 50, 3, 20),
    ("bernoulli", 30, 6, None),
]


def test_a_right_model_is_hardly_ever_warned_of():
    alarms, n = 0, 0
    for family, groups, rows, trials in RIGHT:
        y, index = simulated(family, SIZE, groups, rows, seed=11, trials=trials)
        if family == "bernoulli":
            y = y[(y.min(axis=1) == 0) & (y.max(axis=1) == 1)]
        study = studied(family, y, index, None if trials is None else np.full(len(index), trials))
        found = warned(study)
        alarms += len(found["predictive"]) + len(found["predictive_levels"])
        n += len(y)
    assert n > 400
    # A true rate of 2 % or more would leave so few with a probability below 1 in 100.
    assert stats.binom.cdf(alarms, n, 0.02) < 0.01


def caught(study, gate, named):
    """Return the share of data sets whose warning names what was planted."""
    return sum(named in where for where in warned(study)[gate]) / len(study.y)


def levelled(family, y, index, **options):
    return studied(family, y, index, draws=150, tune=800, thin=5, **options)


def test_overdispersed_counts_under_poisson_are_caught():
    rng = np.random.default_rng(1)
    index = np.repeat(np.arange(20), 10)
    means = np.exp(0.8 + 0.4 * rng.standard_normal((15, 20)))[:, index]
    # Variance mu + mu^2 / 2: at a mean of 2 twice that of a Poisson.
    y = rng.poisson(means * rng.gamma(2.0, 0.5, means.shape)).astype(float)
    assert caught(levelled("poisson", y, index), "predictive", "pearson") > 0.9


def test_zeros_from_elsewhere_are_caught():
    rng = np.random.default_rng(2)
    index = np.repeat(np.arange(20), 10)
    means = np.exp(1.2 + 0.3 * rng.standard_normal((15, 20)))[:, index]
    y = rng.poisson(means) * (rng.random(means.shape) < 0.8)
    study = levelled("poisson", y.astype(float), index)
    assert len(warned(study)["predictive"]) / 15 > 0.9
    plan, fit = study.fit(0)
    checks = judged(plan, fit)[1]
    zeros = checks[(checks["group"] == "") & (checks["statistic"] == "zeros")].iloc[0]
    assert zeros["observed"] > zeros["upper"]
    assert zeros["p_adjusted"] < 0.01


def test_outliers_under_a_gaussian_are_caught():
    rng = np.random.default_rng(3)
    index = np.repeat(np.arange(15), 10)
    y = (0.6 * rng.standard_normal((15, 15)))[:, index] + rng.standard_t(2, size=(15, 150))
    assert len(warned(levelled("gaussian", y, index))["predictive"]) / 15 > 0.8


def test_skewed_residuals_under_a_gaussian_are_caught():
    rng = np.random.default_rng(4)
    index = np.repeat(np.arange(15), 20)
    noise = rng.exponential(size=(15, 300)) - 1
    y = (0.3 * rng.standard_normal((15, 15)))[:, index] + noise
    assert len(warned(levelled("gaussian", y, index))["predictive"]) / 15 > 0.9


def test_a_level_whose_rows_scatter_more_is_named():
    rng = np.random.default_rng(5)
    index = np.repeat(np.arange(20), 10)
    sd = np.where(index == 7, 4.0, 1.0)
    y = (0.6 * rng.standard_normal((15, 20)))[:, index] + sd * rng.standard_normal((15, 200))
    assert caught(levelled("gaussian", y, index), "predictive_levels", "g[g007] pearson") > 0.8


def test_a_level_that_a_tight_prior_keeps_near_the_others_is_named():
    rng = np.random.default_rng(6)
    index = np.repeat(np.arange(20), 10)
    centre = 0.1 * rng.standard_normal((15, 20))
    centre[:, 3] = 3.0
    y = centre[:, index] + rng.standard_normal((15, 200))
    study = levelled("gaussian", y, index, tau_scale=0.03)
    assert caught(study, "predictive_levels", "g[g003] ") > 0.9
    # With a prior that lets the level be what it is there is nothing to see.
    free = levelled("gaussian", y, index, tau_scale=2.0)
    assert len(warned(free)["predictive_levels"]) == 0


def test_rates_that_vary_within_levels_under_binomial_are_caught():
    rng = np.random.default_rng(7)
    index = np.repeat(np.arange(20), 6)
    eta = (-1 + 0.4 * rng.standard_normal((15, 20)))[:, index]
    eta = eta + 0.7 * rng.standard_normal(eta.shape)
    trials = np.full(len(index), 20)
    y = rng.binomial(20, 1 / (1 + np.exp(-eta))).astype(float)
    study = levelled("binomial", y, index, trials=trials)
    assert caught(study, "predictive", "pearson") > 0.9


def test_p_values_are_conservative_and_not_uniform():
    # The mean of all rows is fitted: its p-values crowd around one half.
    y, index = simulated("poisson", SIZE, 10, 8, seed=12)
    found = []
    for plan, fit in studied("poisson", y, index).fits():
        checks = predictive_checks(fit, plan, 0.9)
        found.append(checks[checks["group"] == ""].set_index("statistic")["p_value"])
    p = pd.DataFrame(found)
    assert p["mean"].sub(0.5).abs().max() < 0.15
    # That of squared residuals has room to move, but less than a uniform one (sd 0.289).
    assert 0.1 < p["pearson"].std() < 0.29
