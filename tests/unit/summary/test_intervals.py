"""Quantiles and intervals of many scalars against numpy and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hiermix.summary.intervals import interval, ordered, quantile


@given(st.integers(1, 60), st.floats(0.01, 0.99), st.integers(0, 2**32 - 1))
def test_quantiles_are_those_of_numpy(n_draws: int, probability: float, seed: int) -> None:
    draws = np.random.default_rng(seed).normal(size=(n_draws, 3))
    expected = np.quantile(draws, probability, axis=0)
    np.testing.assert_allclose(quantile(ordered(draws), probability), expected, atol=1e-12)


@given(st.floats(0.05, 0.95), st.integers(0, 2**32 - 1))
def test_the_shortest_interval_is_no_longer_than_the_one_with_equal_tails(
    probability: float, seed: int
) -> None:
    rows = ordered(np.random.default_rng(seed).exponential(size=(200, 4)))
    short_low, short_high = interval(rows, probability, "hdi")
    low, high = interval(rows, probability, "eti")
    # Between order statistics an interval can only grow, by one spacing at either end.
    slack = np.diff(rows, axis=1).max(axis=1)
    assert (short_high - short_low <= high - low + 2 * slack).all()
    inside = ((rows >= short_low[:, None]) & (rows <= short_high[:, None])).mean(axis=1)
    assert (inside >= probability).all()


def test_the_shortest_interval_of_an_exponential_starts_at_zero() -> None:
    n = 20_000
    rows = stats.expon.ppf((np.arange(n) + 0.5) / n)[None, :]
    low, high = interval(rows, 0.9, "hdi")
    assert low[0] == pytest.approx(0, abs=1e-3)
    assert high[0] == pytest.approx(-np.log(0.1), rel=1e-3)


@pytest.mark.parametrize("kind", ["eti", "hdi"])
@pytest.mark.parametrize("damage", [np.nan, np.inf])
def test_a_draw_that_is_not_finite_leaves_no_interval(kind: str, damage: float) -> None:
    draws = np.random.default_rng(1).normal(size=(50, 2))
    draws[7, 1] = damage
    low, high = interval(ordered(draws), 0.9, kind)
    assert np.isfinite([low[0], high[0]]).all()
    assert np.isnan([low[1], high[1]]).all()


def test_ordering_leaves_the_draws_as_they_were() -> None:
    draws = np.array([[3.0], [1.0], [2.0]])
    ordered(draws)
    assert draws[:, 0].tolist() == [3.0, 1.0, 2.0]
