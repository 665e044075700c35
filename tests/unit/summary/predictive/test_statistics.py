"""Statistics of data sets against plain definitions."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hiermix.design.types import Factor
from hiermix.summary.predictive.statistics import (
    CHECKED,
    OVERALL,
    Levels,
    Outcomes,
    level_names,
    overall,
    overall_names,
    scale_of,
)

RNG = np.random.default_rng(1)
COUNTS = RNG.poisson(1.5, size=(6, 40)).astype(float)
TRIALS = RNG.integers(3, 30, size=40).astype(float)
HITS = RNG.binomial(TRIALS.astype(int), 0.3, size=(6, 40)).astype(float)


def test_statistics_of_all_rows_are_the_plain_ones():
    data = Outcomes(COUNTS, None, np.full(COUNTS.shape, 1.5), np.full(COUNTS.shape, 2.0))
    frame = pd.DataFrame(COUNTS.T)
    z = (COUNTS - 1.5) / 2
    expected = {
        "mean": frame.mean(),
        "sd": frame.std(),
        "skewness": stats.skew(COUNTS, axis=1),
        "min": frame.min(),
        "max": frame.max(),
        "zeros": (frame == 0).mean(),
        "dispersion": frame.var() / frame.mean(),
        "pearson": (z**2).mean(axis=1),
        "largest_residual": np.abs(z).max(axis=1),
    }
    assert set(expected) == set(OVERALL)
    for name, values in expected.items():
        assert overall(data, name) == pytest.approx(np.asarray(values)), name


def test_proportions_weigh_by_their_trials():
    data = Outcomes(HITS, TRIALS)
    rate = HITS.sum(axis=1) / TRIALS.sum()
    assert overall(data, "mean") == pytest.approx(rate)
    for own, p, found in zip(HITS, rate, overall(data, "dispersion"), strict=True):
        table = np.array([own, TRIALS - own])
        assert found == pytest.approx(stats.chi2_contingency(table, correction=False)[0] / 39)
        assert p == pytest.approx(own.sum() / TRIALS.sum())


def test_counts_that_are_all_zero_are_dispersed_as_chance_has_them():
    assert overall(Outcomes(np.zeros((2, 5)), None), "dispersion").tolist() == [1.0, 1.0]
    full = Outcomes(np.ones((1, 4)) * 7, np.full(4, 7.0))
    assert overall(full, "dispersion").tolist() == [1.0]


@pytest.mark.parametrize("trials", [None, TRIALS])
def test_statistics_of_levels_are_those_of_their_rows(trials):
    index = RNG.integers(0, 5, size=40)
    index[:5] = np.arange(5)
    factor = Factor("g", ("g",), tuple("abcde"), index, np.bincount(index))
    values = COUNTS if trials is None else HITS
    data = Outcomes(values, trials, values * 0.9 + 0.2, np.full(values.shape, 1.3))
    mean = Levels.of(factor).statistic(data, "mean")
    pearson = Levels.of(factor).statistic(data, "pearson")
    sd = Levels.of(factor).statistic(Outcomes(values, None), "sd")
    for level in range(5):
        rows = index == level
        n = rows.sum() if trials is None else trials[rows].sum()
        assert mean[:, level] == pytest.approx(values[:, rows].sum(axis=1) / n)
        assert pearson[:, level] == pytest.approx((data.residuals[:, rows] ** 2).mean(axis=1))
        assert sd[:, level] == pytest.approx(values[:, rows].std(axis=1, ddof=1), nan_ok=True)


@pytest.mark.parametrize("family", sorted(CHECKED))
@pytest.mark.parametrize("residuals", [True, False])
def test_every_family_has_statistics_that_can_be_worked_out(family, residuals):
    names = {*overall_names(family, residuals), *level_names(family, residuals)}
    assert names <= set(OVERALL)
    assert ("pearson" in names) <= residuals
    assert all(scale_of(family, name) in ("linear", "log", "heavy") for name in names)


def test_zeros_and_ones_are_checked_by_their_mean_alone():
    # Nothing else of 0/1 outcomes could differ between data sets of one mean.
    assert overall_names("bernoulli", True) == ("mean",)
    assert level_names("bernoulli", True) == ("mean",)
