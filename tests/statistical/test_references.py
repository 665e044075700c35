"""Posterior means and sds against brms (Stan) and exact numbers, under the same priors."""

import math
from dataclasses import dataclass

import arviz as az
import numpy as np
import pytest
from run_support import reference, reference_draws

MCSE_UNITS = 4.0
"""For population parameters: two-sided false alarm 6e-5 each, 5e-3 over the 86 made here."""

MCSE_UNITS_GROUP = 5.0
"""For effects of levels, up to 340 comparisons a model: 4 units would call one such model in 50
wrong by chance alone; 5 units (6e-7 each) call one in 5,000 so."""

BRMS = ("sleepstudy", "cbpp", "eight_schools", "radon", "radon_cre", "epilepsy")

EXACT = ("sleepstudy", "eight_schools", "ab_lifts")

pytestmark = [pytest.mark.statistical, pytest.mark.slow]


@dataclass(frozen=True)
class Moments:
    """Mean and sd of one posterior with their Monte Carlo standard errors."""

    mean: float
    sd: float
    mcse_mean: float
    mcse_sd: float

    @classmethod
    def of(cls, draws):
        return cls(
            float(draws.mean()),
            float(draws.std(ddof=1)),
            float(az.mcse(draws, method="mean")),
            float(az.mcse(draws, method="sd")),
        )


def outside(numbers, ours):
    """Return the moments of a reference.

    A closed form has no Monte Carlo error. brms gives no MCSE for the sd of a level's effect:
    it is taken to stand to that of the mean as ours does.
    """
    mcse_mean = numbers.get("mcse_mean", 0.0)
    mcse_sd = numbers.get("mcse_sd", mcse_mean * ours.mcse_sd / ours.mcse_mean)
    return Moments(numbers["mean"], numbers.get("sd", math.nan), mcse_mean, mcse_sd)


def distances(draws, numbers):
    """Return how far mean and sd are from the reference, in units of the joint MCSE."""
    ours = Moments.of(draws)
    theirs = outside(numbers, ours)
    found = {"mean": abs(ours.mean - theirs.mean) / np.hypot(ours.mcse_mean, theirs.mcse_mean)}
    if "sd" in numbers:
        found["sd"] = abs(ours.sd - theirs.sd) / np.hypot(ours.mcse_sd, theirs.mcse_sd)
    return found


def too_far(pairs, limit):
    """Return what is further off than ``limit`` units; a NaN always is."""
    measured = {
        f"{what} of {name}": round(float(distance), 2)
        for name, draws, numbers in pairs
        for what, distance in distances(draws, numbers).items()
    }
    assert measured
    return {name: value for name, value in measured.items() if not value <= limit}


def population_pairs(example, kind):
    draws = reference_draws(example, kind)
    stored = reference(example)[kind]["population"]
    return [(name, draws[name], numbers) for name, numbers in stored.items()]


def level_pairs(stored_effects, draws):
    return [
        (f"{term}[{level}]", draws(term, level), numbers)
        for term, levels in stored_effects.items()
        for level, numbers in levels.items()
    ]


@pytest.mark.parametrize("example", BRMS)
def test_brms_has_every_parameter_of_the_model(example):
    stored = reference(example)["same_priors"]
    effects = level_pairs(stored["group_effects"], lambda term, level: None)
    known = set(stored["population"]) | {name for name, *_ in effects}
    assert known == set(reference_draws(example, "same_priors"))


def test_correlations_are_compared_in_every_example_that_has_them():
    compared = {e: set(reference(e)["same_priors"]["population"]) for e in BRMS}
    correlated = {e for e, names in compared.items() if any("cor|" in name for name in names)}
    assert correlated == {"sleepstudy", "radon", "radon_cre"}


@pytest.mark.parametrize("example", BRMS)
def test_population_parameters_are_those_of_brms(example):
    pairs = population_pairs(example, "same_priors")
    assert too_far(pairs, MCSE_UNITS) == {}


@pytest.mark.parametrize("example", BRMS)
def test_deviations_of_the_levels_are_those_of_brms(example):
    draws = reference_draws(example, "same_priors")
    effects = reference(example)["same_priors"]["group_effects"]
    pairs = level_pairs(effects, lambda term, level: draws[f"{term}[{level}]"])
    assert too_far(pairs, MCSE_UNITS_GROUP) == {}


@pytest.mark.parametrize("example", EXACT)
def test_population_parameters_are_exact(example):
    pairs = population_pairs(example, "exact")
    assert too_far(pairs, MCSE_UNITS) == {}


@pytest.mark.parametrize("example", ["ab_lifts", "eight_schools"])
def test_coefficients_of_the_levels_are_exact(example):
    draws = reference_draws(example, "exact")
    effects = reference(example)["exact"]["coefficients"]
    pairs = level_pairs(effects, lambda term, level: draws["Intercept"] + draws[f"{term}[{level}]"])
    assert too_far(pairs, MCSE_UNITS_GROUP) == {}


def test_deviations_of_the_people_in_sleepstudy_are_exact():
    draws = reference_draws("sleepstudy", "exact")
    effects = reference("sleepstudy")["exact"]["group_effects"]
    pairs = level_pairs(effects, lambda term, level: draws[f"{term}[{level}]"])
    assert too_far(pairs, MCSE_UNITS_GROUP) == {}


def test_a_number_that_is_off_by_more_than_monte_carlo_error_is_found():
    draws = np.random.default_rng(1).normal(size=(4, 1000))
    right = {"mean": 0.0, "sd": 1.0}
    assert too_far([("x", draws, right)], MCSE_UNITS) == {}
    assert set(too_far([("x", draws, {"mean": 0.15, "sd": 1.0})], MCSE_UNITS)) == {"mean of x"}
    assert set(too_far([("x", draws, {"mean": 0.0, "sd": 1.1})], MCSE_UNITS)) == {"sd of x"}
    assert set(too_far([("x", draws, {"mean": float("nan")})], MCSE_UNITS)) == {"mean of x"}
