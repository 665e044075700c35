"""What counts as moved, and what the tables of levels make of it."""

import numpy as np
import pandas as pd
import pytest

from hiermix.errors import UsageError
from hiermix.studies.sensitivity.grid import (
    LEVEL_GRID_COLUMNS,
    LIMIT,
    MCSE_UNITS,
    Digest,
    grid_table,
    level_grid_table,
    moved,
)
from hiermix.studies.sensitivity.levels import LEVEL_COLUMNS, claims_change, levels_table
from hiermix.studies.sensitivity.scaling import Variant
from hiermix.studies.sensitivity.study import check_scales
from hiermix.studies.sensitivity.words import sentences


def estimates(means, mcse=0.001, sd=1.0, half=1.0) -> pd.DataFrame:
    mean = np.asarray(means, dtype=float)
    return pd.DataFrame(
        {
            "group": "g",
            "level": [f"g{i}" for i in range(len(mean))],
            "term": "Intercept",
            "mean": mean,
            "sd": sd,
            "lower": mean - half,
            "upper": mean + half,
            "mcse_mean": mcse,
        }
    )


def test_a_move_is_in_posterior_sds_of_the_run_and_judged_by_the_limit() -> None:
    run = estimates([0, 0, 0, 0], sd=2.0)
    shift, beyond = moved(run, estimates([0.59, 0.61, -0.61, np.nan], sd=50.0))
    np.testing.assert_allclose(shift[:3], [0.295, 0.305, -0.305])
    assert LIMIT == 0.3
    # What is not a number never passes.
    assert beyond.tolist() == [False, True, True, True]


def test_a_move_within_monte_carlo_error_is_none() -> None:
    error = 0.1
    edge = MCSE_UNITS * np.hypot(error, error)
    found = estimates([0.99 * edge, 1.01 * edge], mcse=error)
    _, beyond = moved(estimates([0, 0], mcse=error), found)
    assert beyond.tolist() == [False, True]


def digest_of(levels, verdict="pass") -> Digest:
    population = pd.DataFrame(
        {
            "parameter": ["Intercept", "1|g_sigma"],
            "role": ["common", "group_sd"],
            "mean": [0.0, 1.0],
            "sd": 1.0,
            "lower": 0.0,
            "upper": 2.0,
            "mcse_mean": 0.01,
        }
    )
    return Digest(verdict, population, levels)


def grids(means_by_factor):
    points = [
        Variant("1|g_sigma", f, f"HalfNormal(sigma={f:g})", None if f == 1 else object())
        for f in sorted(means_by_factor)
    ]
    digests = {p.factor: digest_of(estimates(means_by_factor[p.factor])) for p in points}
    refits = {p.name: digests[p.factor] for p in points if p.factor != 1}
    return (
        grid_table(points, digests[1], refits),
        level_grid_table(points, digests[1], refits),
    )


BY_FACTOR = {
    0.25: [-2.0, 0.2, 0.9, 1.1],
    0.5: [0.05, 0.31, 1.0, 1.1],
    1: [0.0, 0.0, 1.1, 1.1],
    2: [0.0, -0.1, 1.1, 1.1],
}


def test_levels_are_judged_by_factors_near_one_and_told_of_the_whole_grid() -> None:
    grid, level_grid = grids(BY_FACTOR)
    assert tuple(level_grid.columns) == LEVEL_GRID_COLUMNS
    assert len(grid) == 4 * 2
    levels = levels_table(level_grid, 0.9)
    assert tuple(levels.columns) == LEVEL_COLUMNS
    assert levels["prior_sensitive"].tolist() == [False, True, False, False]
    np.testing.assert_allclose(levels["shift"], [-2.0, 0.31, -0.2, 0.0])
    assert levels["shift_at"].tolist()[:2] == ["1|g_sigma x 0.25", "1|g_sigma x 0.5"]
    np.testing.assert_allclose(levels["lowest_mean"], [-2.0, -0.1, 0.9, 1.1])
    np.testing.assert_allclose(levels["highest_mean"], [0.05, 0.31, 1.1, 1.1])
    assert levels["claim"].tolist() == ["open", "open", "above 0", "above 0"]
    assert levels["other_claims"].tolist() == [
        "below 0 at 1|g_sigma x 0.25",
        "",
        # At x 0.5 the interval ends at 0 exactly: it does not exclude it.
        "open at 1|g_sigma x 0.25; open at 1|g_sigma x 0.5",
        "",
    ]


def test_far_factors_are_judged_where_no_other_is_asked_for() -> None:
    _, level_grid = grids({0.25: [-2.0, 0.0], 1: [0.0, 0.0]})
    assert levels_table(level_grid, 0.9)["prior_sensitive"].tolist() == [True, False]


def test_an_end_of_an_interval_that_turns_within_its_monte_carlo_error_is_no_other_claim() -> None:
    run, mcse = estimates([1.01], mcse=0.01), 0.01
    # For a 90 % interval of a normal posterior its ends have 2.11 times the error of the mean.
    edge = MCSE_UNITS * 2.1133 * np.hypot(mcse, mcse)
    for move, expected in ((0.99 * edge, False), (1.01 * edge, True)):
        assert claims_change(run, estimates([1.01 - move], mcse=mcse), 0.9).tolist() == [expected]


def test_words_name_what_is_sensitive_and_say_so_where_nothing_is() -> None:
    grid, level_grid = grids(BY_FACTOR)
    power = pd.DataFrame(
        {"parameter": ["x"], "role": ["common"], "prior": [0.01], "diagnosis": [""]}
    )
    told = sentences(power, grid, levels_table(level_grid, 0.9), 0.9)
    worrying = [words for bad, words in told if bad]
    assert len(worrying) == 2
    assert worrying[0].startswith("prior-sensitive: 1 of 4 coefficients of levels")
    assert "Intercept of g1 (+0.31)" in worrying[0]
    assert worrying[1].startswith("for 2 of 4 coefficients the 90 % interval excludes 0 under")
    calm, calm_levels = grids({0.5: [0.0], 1: [0.0]})
    told = sentences(power, calm, levels_table(calm_levels, 0.9), 0.9)
    assert not any(bad for bad, _ in told) and len(told) == 3


def test_a_refit_that_failed_is_told_first_of_the_grid() -> None:
    points = [Variant("1|g_sigma", 1.0, "", None), Variant("1|g_sigma", 2.0, "", object())]
    own = digest_of(estimates([0.0]))
    grid = grid_table(points, own, {points[1].name: digest_of(estimates([0.0]), "FAILED")})
    told = sentences(pd.DataFrame(columns=["role", "diagnosis"]), grid, pd.DataFrame(), 0.9)
    assert told[0] == (
        True,
        "FAILED: a gate failed the fit with the prior of 1|g_sigma x 2; do not rely on its numbers",
    )


@pytest.mark.parametrize(
    "scales",
    [(0.0,), (-1.0,), (float("nan"),), (float("inf"),), (2.0, 2.0), (1.0,), (), (2.0,) * 21],
)
def test_scales_that_make_no_grid_are_refused(scales) -> None:
    with pytest.raises(UsageError, match="--scales"):
        check_scales(scales)


def test_usual_scales_are_accepted() -> None:
    check_scales((0.25, 0.5, 1.0, 2.0, 4.0))
