import numpy as np
import pytest
from scipy import signal, stats

from hiermix.diagnostics.chains import chain_statistics
from hiermix.diagnostics.chance import ESS_ERROR, FALSE_ALARM, rhat_by_chance


def bound(ess: float, n_parameters: int = 1, n_chains: int = 4, n_draws: int = 1000) -> float:
    return float(
        rhat_by_chance(np.array(ess), n_chains=n_chains, n_draws=n_draws, n_parameters=n_parameters)
    )


def converged(seed: int, n: int, n_chains: int, n_draws: int, phi: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(n, n_chains, n_draws))
    noise[..., 1:] *= np.sqrt(1 - phi**2)
    draws: np.ndarray = signal.lfilter([1], [1, -phi], noise, axis=-1)
    return draws


def test_independent_draws_have_the_closed_form() -> None:
    # 8 half-chains of n draws: 1 + (X - 1) / n under the root, X a chi-square over 7 to first
    # order in 1 / ESS; the ESS handed in makes up for the margin of its error.
    n = 50_000
    x = stats.chi2.isf(FALSE_ALARM / 2, 7) / 7
    closed = np.sqrt(1 + (x - 1) / n)
    assert bound(8 * n / (1 - ESS_ERROR), n_draws=2 * n) - 1 == pytest.approx(closed - 1, rel=1e-3)


def test_the_bound_grows_with_the_number_of_parameters_and_falls_with_ess() -> None:
    assert bound(1000, 1) < bound(1000, 100) < bound(1000, 10_000)
    assert bound(4000, 100) < bound(2000, 100) < bound(1000, 100)


def test_the_bound_for_many_parameters_is_of_the_size_that_simulation_gives() -> None:
    assert 1.014 < bound(1000, 100) < 1.022
    assert 1.020 < bound(1000, 10_000) < 1.032


def test_a_low_ess_does_not_excuse_a_high_rhat() -> None:
    assert bound(5) == bound(400)
    assert bound(5, n_parameters=10_000) < 1.1


def test_an_unknown_ess_has_no_bound() -> None:
    assert np.isnan(bound(float("nan")))
    assert np.isnan(bound(100, n_chains=0))
    assert np.isnan(bound(100, n_draws=1))


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("n_chains", "n_draws", "phi"),
    [(4, 1000, 0.0), (4, 1000, 0.5), (4, 1000, 0.8), (4, 500, 0.0), (8, 500, 0.5), (2, 1000, 0.5)],
)
def test_converged_chains_stay_below_the_limit_in_99_of_100_runs(
    n_chains: int, n_draws: int, phi: float
) -> None:
    n = 1000
    found = chain_statistics(converged(11, n, n_chains, n_draws, phi))
    for n_parameters in (1, 20, 1000):
        limit = rhat_by_chance(
            found.ess_within, n_chains=n_chains, n_draws=n_draws, n_parameters=n_parameters
        )
        alarms = int((found.rhat > np.maximum(limit, 1.01)).sum())
        # Each scalar may alarm with probability 0.01 / K; 1 in 1,000 such counts is larger.
        assert alarms <= stats.binom.isf(0.001, n, 0.01 / n_parameters)


@pytest.mark.statistical
def test_a_fixed_limit_of_1_01_would_fail_converged_chains() -> None:
    found = chain_statistics(converged(11, 1000, 4, 1000, 0.8))
    assert np.median(found.ess_bulk) > 400
    assert (found.rhat > 1.01).mean() > 0.2


@pytest.mark.parametrize(("shift", "phi"), [(0.5, 0.0), (1.0, 0.5), (2.0, 0.8), (3.0, 0.8)])
def test_a_chain_elsewhere_is_beyond_chance_even_among_ten_thousand(
    shift: float, phi: float
) -> None:
    draws = converged(5, 100, 4, 1000, phi)
    draws[:, 3] += shift
    found = chain_statistics(draws)
    limit = rhat_by_chance(found.ess_within, n_chains=4, n_draws=1000, n_parameters=10_000)
    assert (found.rhat > np.maximum(limit, 1.01)).all()
