"""Effects by counts alone against published numbers."""

import numpy as np
import pytest

from hiermix.design.two_arms import (
    RESPONSES,
    Counts,
    difference,
    log_odds_ratio,
    log_ratio,
    matched,
    ratio,
    relative_difference,
)


def counts(*cells):
    return Counts(*(np.atleast_1d(np.asarray(c, dtype=float)) for c in cells))


# Myocardial infarctions of the Physicians' Health Study, aspirin as control and placebo as
# treatment: Agresti, Categorical Data Analysis, 2nd ed., sections 2.2 and 3.1; printed digits.
ASPIRIN = counts(104, 11037, 189, 11034)


def test_aspirin_has_the_published_difference():
    found = difference(ASPIRIN)
    assert found.value[0] == pytest.approx(0.0077, abs=5e-5)
    assert found.se[0] == pytest.approx(0.0015, abs=5e-5)


def test_aspirin_has_the_published_ratio_and_its_interval():
    assert ratio(ASPIRIN).value[0] == pytest.approx(1.82, abs=5e-3)
    log = log_ratio(ASPIRIN)
    ends = np.exp(log.value[0] + np.array([-1.96, 1.96]) * log.se[0])
    assert ends == pytest.approx([1.43, 2.31], abs=5e-3)
    assert ratio(ASPIRIN).se == pytest.approx(ratio(ASPIRIN).value * log.se, rel=1e-14)
    assert relative_difference(ASPIRIN).value[0] == pytest.approx(0.82, abs=5e-3)


def test_aspirin_has_the_published_log_odds_ratio():
    found = log_odds_ratio(ASPIRIN)
    assert found.value[0] == pytest.approx(0.605, abs=5e-4)
    assert found.se[0] == pytest.approx(0.123, abs=5e-4)


def test_what_has_no_number_is_nan():
    one = counts([0, 5, 0, 10, 3], [10, 10, 10, 10, 0], [5, 0, 0, 10, 3], [10, 10, 10, 10, 10])
    assert np.isfinite(difference(one).value).tolist() == [True, True, True, True, False]
    assert np.isfinite(difference(one).se).tolist() == [True, True, False, False, False]
    assert np.isfinite(ratio(one).value).tolist() == [False, True, False, True, False]
    assert ratio(one).value[1] == 0
    for found in (log_ratio(one), log_odds_ratio(one)):
        assert not np.isinf(found.value).any()
        assert not np.isinf(found.se).any()
        assert np.isnan(found.se[:3]).all()
    assert np.isnan(ratio(one).se).all()
    assert np.isnan(log_odds_ratio(one).value).all()


MANY = counts(
    [6000, 2400, 960, 240, 55, 22],
    [50000, 20000, 8000, 2000, 500, 200],
    [6400, 2560, 1040, 280, 75, 30],
    [50000, 20000, 8000, 2000, 500, 200],
)


@pytest.mark.parametrize("name", RESPONSES)
@pytest.mark.parametrize("times", [1.0, 1.4142, 0.7071])
def test_a_response_is_recognised_on_its_scale_with_the_ratio_of_errors(name, times):
    own = RESPONSES[name](MANY)
    found = matched(MANY, own.value.round(3), own.se * times)
    assert found.scale == name
    assert found.ratio == pytest.approx(times, rel=1e-6)
    assert found.n_rows == 6


def test_effects_near_zero_are_told_apart_by_their_errors():
    null = counts([1000, 2000], [10000, 20000], [1001, 2000], [10000, 20000])
    for name in ("difference of rates", "log odds ratio"):
        own = RESPONSES[name](null)
        assert matched(null, own.value.round(3), own.se).scale == name


def test_a_response_that_is_none_of_the_effects_is_not_matched():
    own = difference(MANY)
    assert matched(MANY, -own.value, own.se) is None
    assert matched(counts(0, 10, 0, 10), np.zeros(1), np.ones(1)) is None
