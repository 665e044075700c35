"""Pieces that ArviZ's importance sampling has no number for, and everything else as it has it."""

import warnings

import arviz as az
import numpy as np
import pytest
import xarray as xr

from hiermix.studies.accuracy import leave_out, pointwise_loo

CHAINS, DRAWS = 4, 500


def posterior() -> xr.Dataset:
    draws = np.random.default_rng(0).normal(size=(CHAINS, DRAWS))
    return xr.Dataset({"a": (("chain", "draw"), draws)})


def densities(n_pieces: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    a = posterior()["a"].to_numpy()[..., None]
    return -0.5 * np.square(rng.normal(size=n_pieces) - 0.2 * a)


def of_arviz(values: np.ndarray):
    pieces = xr.Dataset({"y": (("chain", "draw", "piece"), values)})
    tree = xr.DataTree.from_dict({"posterior": posterior(), "log_likelihood": pieces})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return az.loo(tree, pointwise=True)


def test_the_numbers_are_those_of_arviz() -> None:
    values = densities(30)
    ours, theirs = pointwise_loo(values, posterior()), of_arviz(values)
    for name in ("elpd", "se", "p", "good_k", "n_samples", "n_data_points", "warning"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-12), name
    np.testing.assert_array_equal(ours.elpd_i, theirs.elpd_i)
    np.testing.assert_array_equal(ours.pareto_k, theirs.pareto_k)


def test_a_piece_that_is_certain_in_every_draw_counts_with_its_density() -> None:
    values = densities(30)
    some = pointwise_loo(values[..., 1:], posterior())
    values[..., 0] = -0.25
    with pytest.raises(ValueError, match="All tail values are the same"):
        of_arviz(values)
    found = pointwise_loo(values, posterior())
    assert found.elpd == pytest.approx(some.elpd - 0.25, rel=1e-12)
    assert found.p == pytest.approx(some.p, rel=1e-12)
    assert found.pareto_k[0] == 0
    certain = pointwise_loo(np.zeros((CHAINS, DRAWS, 3)), posterior())
    assert (certain.elpd, certain.se, certain.p, certain.warning) == (0, 0, 0, False)


def test_weights_that_differ_by_rounding_are_no_cause_for_alarm() -> None:
    values = densities(30)
    rng = np.random.default_rng(2)
    values[..., 0] = -1e-17 * rng.pareto(0.3, size=(CHAINS, DRAWS)).clip(max=1e10)
    values[..., 1] = -2.0 + 1e-5 * rng.normal(size=(CHAINS, DRAWS))
    values[..., 2] = 0.0
    values[0, :3, 2] = -0.01
    assert not (of_arviz(values).pareto_k[[0, 2]] < 0.7).any()
    found = pointwise_loo(values, posterior())
    assert found.pareto_k[:3].to_numpy().tolist() == [0, 0, 0]
    np.testing.assert_allclose(found.elpd_i[:3], [0, -2, 0], atol=3e-5)
    np.testing.assert_array_equal(found.elpd_i[3:], of_arviz(values).elpd_i[3:])
    assert found.p == pytest.approx(pointwise_loo(values[..., 3:], posterior()).p, abs=1e-6)


def test_weights_that_rest_on_a_few_draws_have_no_finite_k() -> None:
    values = densities(30)
    values[..., 0] = 0.0
    values[0, 0, 0] = -1e4
    values[1, 1, 0] = -2e4
    theirs = of_arviz(values)
    assert not (np.isfinite(theirs.pareto_k[0]) and np.isfinite(theirs.elpd_i[0]))
    assert pointwise_loo(values, posterior()).pareto_k[0] == np.inf
    found = leave_out(values, posterior())
    assert found.unreliable == 1
    assert np.isnan(found.elpd)
    assert found.reason.startswith("Pareto k is too high for 1 of 30")


def test_one_such_piece_of_many_is_counted() -> None:
    values = densities(400)
    values[..., 0] = 0.0
    values[0, 0, 0] = -1e4
    found = leave_out(values, posterior())
    assert (found.unreliable, found.pieces) == (1, 400)
    assert found.reason.startswith("Pareto k is high for 1 of 400")


def test_a_chain_that_did_not_move_makes_pieces_unreliable_and_nothing_fails() -> None:
    values = densities(30)
    # That draw is the least probable one of every other piece.
    values[3, :, ::2] = values[:3, :, ::2].min(axis=(0, 1)) - 1.0
    with pytest.raises(ValueError, match="All tail values are the same"):
        of_arviz(values)
    found = pointwise_loo(values, posterior())
    assert np.isinf(found.pareto_k[::2]).all()
    np.testing.assert_array_equal(
        found.elpd_i[1::2], pointwise_loo(values[..., 1::2], posterior()).elpd_i
    )
    unreliable = leave_out(values, posterior())
    assert unreliable.unreliable == 15 and np.isnan(unreliable.elpd)
