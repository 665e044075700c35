"""Ranks and the chance of being best, against rankings of every draw."""

import numpy as np
import pytest
from scipy.stats import rankdata

from hiermix.summary import ranking
from hiermix.summary.ranking import chances_of_best, expected_ranks

DRAWS = np.random.default_rng(5).normal(size=(400, 7)) + np.linspace(0, 1, 7)


def test_expected_ranks_are_means_of_the_ranks_of_every_draw() -> None:
    brute = rankdata(-DRAWS, axis=1).mean(axis=0)
    np.testing.assert_allclose(expected_ranks(DRAWS), brute)


def test_the_chance_of_being_best_is_the_share_of_draws_with_the_maximum() -> None:
    brute = np.bincount(DRAWS.argmax(axis=1), minlength=7) / len(DRAWS)
    np.testing.assert_allclose(chances_of_best(DRAWS), brute)


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = expected_ranks(DRAWS), chances_of_best(DRAWS)
    monkeypatch.setattr(ranking, "CHUNK_BYTES", 8 * 7 * 13)
    np.testing.assert_allclose(expected_ranks(DRAWS), whole[0])
    np.testing.assert_allclose(chances_of_best(DRAWS), whole[1])


def test_many_cells_are_ranked_on_evenly_spaced_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "MAX_CELLS", 7 * 100)
    monkeypatch.setattr(ranking, "MIN_DRAWS", 10)
    picks = np.linspace(0, 399, 100).round().astype(int)
    brute = rankdata(-DRAWS[picks], axis=1).mean(axis=0)
    np.testing.assert_allclose(expected_ranks(DRAWS), brute)


def test_a_damaged_draw_leaves_no_ranks() -> None:
    damaged = DRAWS.copy()
    damaged[3, 2] = np.nan
    assert np.isnan(expected_ranks(damaged)).all()
    assert np.isnan(chances_of_best(damaged)).all()
