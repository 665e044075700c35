import arviz_stats.base as azb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal, stats

from hiermix.diagnostics import chains as module
from hiermix.diagnostics.chains import TAILS, average_ranks, chain_statistics, mcse_of_means

# Both sides do the same arithmetic in another order; autocorrelations lose a few digits.
RTOL = 1e-8


def autoregressive(rng: np.random.Generator, phi: float, shape: tuple[int, ...]) -> np.ndarray:
    noise = rng.normal(size=shape) * np.sqrt(1 - phi**2)
    noise[..., 0] /= np.sqrt(1 - phi**2)
    result: np.ndarray = signal.lfilter([1], [1, -phi], noise, axis=-1)
    return result


def awkward(n_chains: int, n_draws: int) -> np.ndarray:
    """Return good, slow, tied, stuck, trending, constant, infinite, NaN and tiny draws."""
    rng = np.random.default_rng(n_chains * 1000 + n_draws)
    phis = np.linspace(-0.9, 0.99, 24)
    draws = np.stack([autoregressive(rng, phi, (n_chains, n_draws)) for phi in phis])
    draws[0] = 3.0
    draws[1] = np.round(draws[1])
    draws[2] = draws[2] > 0.3
    draws[3, 0] = draws[3, 0, 0]
    draws[4, 0, -1] = np.inf
    draws[5, 0, 0] = np.nan
    draws[6] += 3.0 * np.arange(n_chains)[:, None]
    draws[7] = np.repeat(draws[7], 2, axis=-1)[:, :n_draws]
    draws[8] *= 1e-17
    draws[9] += np.linspace(0, 5, n_draws)
    draws[10] = 1e6 + 1e-3 * draws[10]
    return draws


def from_arviz(draws: np.ndarray) -> dict[str, np.ndarray]:
    az = azb.array_stats
    with np.errstate(all="ignore"):
        return {
            "rhat": az.rhat(draws),
            "ess_bulk": az.ess(draws),
            "ess_tail": az.ess(draws, method="tail", prob=TAILS),
            "mcse_mean": az.mcse(draws),
        }


@pytest.mark.parametrize("n_chains", [1, 2, 4, 8])
@pytest.mark.parametrize("n_draws", [5, 6, 7, 8, 25, 101, 200])
def test_statistics_equal_those_of_arviz(n_chains: int, n_draws: int) -> None:
    draws = awkward(n_chains, n_draws)
    ours = chain_statistics(draws)
    for name, theirs in from_arviz(draws).items():
        np.testing.assert_allclose(getattr(ours, name), theirs, rtol=RTOL, err_msg=name)


def test_statistics_equal_those_of_arviz_at_full_length() -> None:
    draws = awkward(4, 1000)
    ours = chain_statistics(draws)
    for name, theirs in from_arviz(draws).items():
        np.testing.assert_allclose(getattr(ours, name), theirs, rtol=RTOL, err_msg=name)


@given(st.integers(1, 5), st.integers(5, 60), st.floats(-0.9, 0.95), st.integers(0, 2**32 - 1))
def test_statistics_equal_those_of_arviz_for_random_shapes(
    n_chains: int, n_draws: int, phi: float, seed: int
) -> None:
    draws = autoregressive(np.random.default_rng(seed), phi, (3, n_chains, n_draws))
    ours = chain_statistics(draws)
    for name, theirs in from_arviz(draws).items():
        np.testing.assert_allclose(getattr(ours, name), theirs, rtol=RTOL, err_msg=name)


def test_mean_and_sd_are_over_all_draws() -> None:
    draws = np.random.default_rng(0).normal(2, 3, size=(5, 3, 11))
    ours = chain_statistics(draws)
    np.testing.assert_allclose(ours.mean, draws.mean(axis=(1, 2)))
    np.testing.assert_allclose(ours.sd, draws.std(axis=(1, 2), ddof=1))


def test_batches_do_not_change_results(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(0).normal(size=(10, 4, 50))
    whole = chain_statistics(draws)
    monkeypatch.setattr(module, "BATCH", 3)
    np.testing.assert_array_equal(chain_statistics(draws).ess_bulk, whole.ess_bulk)


@pytest.mark.parametrize("shape", [(2, 4, 3), (2, 4, 0), (2, 0, 10), (2, 0, 0)])
def test_too_few_draws_give_nan(shape: tuple[int, ...]) -> None:
    ours = chain_statistics(np.zeros(shape))
    assert ours.rhat.shape == (2,)
    assert np.isnan(ours.rhat).all() and np.isnan(ours.ess_bulk).all()


def test_rhat_of_one_chain_and_of_constant_draws_is_nan() -> None:
    assert np.isnan(chain_statistics(np.random.default_rng(0).normal(size=(1, 1, 100))).rhat).all()
    assert np.isnan(chain_statistics(np.ones((1, 4, 100))).rhat).all()


def test_the_draws_are_not_modified() -> None:
    draws = awkward(4, 50)
    before = draws.copy()
    chain_statistics(draws)
    np.testing.assert_array_equal(draws, before)


@pytest.mark.parametrize("phi", [-0.4, 0.0, 0.5, 0.8])
def test_ess_within_is_close_to_the_known_ess_of_autoregressive_draws(phi: float) -> None:
    draws = autoregressive(np.random.default_rng(3), phi, (200, 4, 1000))
    ours = chain_statistics(draws)
    # The folded part has autocorrelation phi^2 or so; the smaller of both counts.
    known = 4000 * min((1 - phi) / (1 + phi), (1 - phi**2) / (1 + phi**2))
    # Single estimates scatter by about a tenth and the smaller of two lies lower.
    assert 0.85 * known < np.median(ours.ess_within) < 1.1 * known


def test_chains_that_disagree_lower_the_ess_but_not_the_ess_within() -> None:
    draws = np.random.default_rng(0).normal(size=(1, 4, 1000))
    draws[0, 3] += 3
    ours = chain_statistics(draws)
    assert ours.ess_bulk[0] < 20
    assert ours.ess_within[0] > 2000


@given(st.lists(st.lists(st.integers(0, 6), min_size=9, max_size=9), min_size=1, max_size=5))
def test_ranks_are_scipys_average_ranks_with_and_without_ties(rows):
    values = np.array(rows, dtype=float)
    values[0] = np.arange(9)[::-1]
    np.testing.assert_array_equal(average_ranks(values), stats.rankdata(values, axis=1))


@pytest.mark.parametrize("n_draws", [7, 25, 200])
def test_the_mcse_of_means_and_shares_is_that_of_arviz(n_draws: int) -> None:
    draws = awkward(4, n_draws)
    np.testing.assert_allclose(mcse_of_means(draws), from_arviz(draws)["mcse_mean"], rtol=RTOL)
    finite = np.isfinite(draws).all(axis=(1, 2))
    shares = (draws[finite] > 0.7).astype(float)
    np.testing.assert_allclose(mcse_of_means(shares), from_arviz(shares)["mcse_mean"], rtol=RTOL)


def test_what_no_draw_contradicts_has_no_mcse_and_too_few_draws_have_none_that_is_known() -> None:
    assert mcse_of_means(np.ones((2, 4, 50))).tolist() == [0.0, 0.0]
    assert np.isnan(mcse_of_means(np.ones((1, 4, 3)))).all()
