"""Draws for levels that were not fitted."""

import numpy as np
import pytest

from hiermix.studies.predict.new_levels import NewEffects, cholesky, correlation_matrices

N = 40_000


def matrices(k, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(5, k, k))
    s = a @ a.transpose(0, 2, 1)
    d = np.sqrt(np.einsum("nii->ni", s))
    return s / d[:, :, None] / d[:, None, :]


@pytest.mark.parametrize("k", [1, 2, 4])
def test_roots_of_correlations_are_those_of_numpy(k):
    r = matrices(k)
    assert np.allclose(cholesky(r), np.linalg.cholesky(r), atol=1e-12)


def test_roots_of_singular_correlations_exist():
    r = np.array([[[1.0, 1.0, 0.5], [1.0, 1.0, 0.5], [0.5, 0.5, 1.0]]])
    root = cholesky(r)
    assert np.allclose(root @ root.transpose(0, 2, 1), r, atol=1e-12)


def test_pairs_are_placed_as_the_table_of_correlations_lists_them():
    (found,) = correlation_matrices(np.array([[0.1], [0.2], [0.3]]), 3)
    assert found.tolist() == [[1.0, 0.1, 0.2], [0.1, 1.0, 0.3], [0.2, 0.3, 1.0]]


def effects(seed=7, name="mu|g"):
    sd = np.array([2.0, 0.5])[:, None, None] * np.ones((2, 1, N))
    return NewEffects(seed, name, [sd, 3 * sd[:1]], [np.full((1, 1, N), -0.7), None])


def test_effects_have_the_sds_and_correlations_of_the_population():
    pair, alone = effects().of(("new",))
    u = pair[:, 0]
    assert np.allclose(u.std(axis=1) / [2.0, 0.5], 1, atol=4 / np.sqrt(2 * N))
    assert np.allclose(np.corrcoef(u)[0, 1], -0.7, atol=4 * (1 - 0.49) / np.sqrt(N))
    assert np.allclose(alone.std() / 6.0, 1, atol=4 / np.sqrt(2 * N))
    assert abs(np.corrcoef(u[0], alone[0, 0])[0, 1]) < 4 / np.sqrt(N)


def test_a_level_has_the_same_draws_wherever_it_is_asked_for():
    first, again = effects(), effects()
    again.of(("another",))
    assert np.array_equal(first.of(("new",))[0], again.of(("new",))[0])


@pytest.mark.parametrize(
    "other",
    [
        lambda: effects().of(("new2",)),
        lambda: effects(seed=8).of(("new",)),
        lambda: effects(name="mu|h").of(("new",)),
    ],
)
def test_other_levels_factors_and_seeds_have_independent_draws(other):
    a, b = effects().of(("new",))[0][0, 0], other()[0][0, 0]
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(N)


def test_parts_of_a_combined_level_are_kept_apart():
    a, b = effects().of(("x", "yz"))[0], effects().of(("xy", "z"))[0]
    assert not np.array_equal(a, b)
