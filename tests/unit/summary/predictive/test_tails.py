"""Tail probabilities against known distributions."""

import numpy as np
import pytest
from scipy import stats

from hiermix.summary.predictive.tails import MIN_EXCESSES, tail_probabilities


def one(y, values, scale="linear"):
    both = tail_probabilities(np.array([y]), np.asarray(values, dtype=float)[:, None], scale)
    return tuple(float(p[0]) for p in both)


def test_in_the_bulk_the_probability_is_the_share_of_larger_replicates():
    values = np.random.default_rng(1).normal(size=999)
    for y in (-1.0, 0.0, 0.7, 1.5):
        upper, both = one(y, values)
        assert upper == pytest.approx((np.sum(values > y) + 0.5) / 1000, abs=1e-3)
        assert both == pytest.approx(2 * min(upper, 1 - upper))


def test_ties_count_half():
    values = np.repeat([0.0, 1.0, 2.0], [300, 400, 299])
    assert one(1.0, values)[0] == pytest.approx((299 + 200 + 0.5) / 1000)
    assert one(1.0, np.ones(500)) == pytest.approx((0.5, 1.0), abs=1e-3)


def test_the_two_tails_are_mirror_images():
    values = np.random.default_rng(2).gumbel(size=400)
    for y in (-3.0, -1.0, 0.3, 4.0, 9.0):
        upper, both = one(y, values)
        mirrored, same = one(-y, -values)
        assert upper == pytest.approx(1 - mirrored, abs=3e-3)
        assert both == pytest.approx(same)


@pytest.mark.parametrize("n", [100, 2000])
@pytest.mark.parametrize("level", [1e-2, 1e-3, 1e-4])
def test_p_values_of_exponential_tails_are_as_small_as_often_as_they_say(n, level):
    # Repetitions of n replicates and one more value: P(p <= level) = level if exact.
    rng = np.random.default_rng(3)
    size = 300
    replicated = rng.exponential(size=(n, size))
    # How far out the further value must be for p <= level, by bisection; then its exact chance.
    low, high = np.zeros(size), np.full(size, 60.0)
    for _ in range(20):
        middle = (low + high) / 2
        small = tail_probabilities(middle, replicated)[0] <= level
        low, high = np.where(small, low, middle), np.where(small, middle, high)
    chance = np.exp(-high)
    error = chance.std() / np.sqrt(size)
    # Half a replicate more or less of the share beyond the threshold, ten at least.
    assert chance.mean() == pytest.approx(level, abs=4 * error + 0.05 * level)


@pytest.mark.parametrize("z", [3.5, 4.5, 6.0])
def test_beyond_the_replicates_of_a_normal_statistic_p_is_small_but_never_too_small(z):
    rng = np.random.default_rng(4)
    replicated = rng.normal(size=(2000, 300))
    found = tail_probabilities(np.full(300, z), replicated)[0]
    true = stats.norm.sf(z)
    assert np.median(found) >= true
    assert np.mean(found < true) < 0.2
    # Far below what 2,000 replicates can count, so that one of hundreds of levels can stand out.
    assert np.median(found) < 1e-3
    if z >= 4.5:
        assert np.median(found) < 1e-4


def test_p_values_fall_as_the_observed_value_moves_out():
    values = np.random.default_rng(5).normal(size=(500, 1))
    grid = np.linspace(0, 8, 100)
    upper = tail_probabilities(grid, np.repeat(values, 100, axis=1))[0]
    # Where counting hands over to the fitted tail there may be a step of a few replicates.
    assert (np.diff(upper) <= 5 / 500).all()
    assert (np.diff(upper[grid > 3]) < 0).all()


def test_replicates_that_never_vary_resolve_one_in_their_number():
    values = np.zeros(200)
    upper, both = one(0.01, values)
    assert upper == pytest.approx(0.5 / 201)
    assert both == pytest.approx(1 / 201)


def test_the_scale_of_the_tail_changes_only_the_tail():
    values = np.random.default_rng(6).lognormal(sigma=2.0, size=1000)
    y = float(np.quantile(values, 0.8))
    assert one(y, values, "log") == one(y, values)
    far = 3 * float(values.max())
    assert one(far, values, "log")[0] > one(far, values)[0]
    cauchy = np.random.default_rng(7).standard_cauchy(size=1000)
    far = 3 * float(np.abs(cauchy).max())
    assert 0.2 < one(far, cauchy, "heavy")[0] * np.pi * far < 5
    assert one(far, cauchy)[0] < 0.02 * one(far, cauchy, "heavy")[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_p_value(bad):
    values = np.random.default_rng(8).normal(size=100)
    assert np.isnan(one(bad, values)).all()
    values[3] = bad
    assert np.isnan(one(0.0, values)).all()


def test_fewer_replicates_than_a_tail_needs_are_counted():
    values = np.arange(MIN_EXCESSES - 4.0)
    upper, both = one(2.5, values)
    assert 0 < upper < 1
    assert 0 < both <= 1
