"""Rules that turn shares of draws into words, and when these could flip."""

import numpy as np
import pytest

from hiermix.summary.intervals import interval, ordered
from hiermix.summary.questions.choice import best_of
from hiermix.summary.questions.decisions import directions, memberships, rope_verdicts, share


def normal(mean, sd=1.0, n=4000, seed=0):
    """Return draws whose quantiles are those of the normal, shuffled into 4 chains."""
    from scipy import stats

    rng = np.random.default_rng(seed)
    draws = mean + sd * stats.norm.ppf((np.arange(n) + 0.5) / n)
    return rng.permutation(draws).reshape(4, -1)


def rope(draws, limits, kind="eti"):
    ends = interval(ordered(draws.reshape(1, -1).T), 0.9, kind)
    words, flips = rope_verdicts(draws[None], np.ones(1, dtype=bool), ends, limits)
    return str(words[0]), bool(flips[0])


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        # The 90 % interval is -1.645..1.645; an MCSE of its ends about 0.035.
        ((-3, 3), ("inside", False)),
        ((-1.70, 1.70), ("inside", True)),
        ((-1.59, 3), ("undecided", True)),
        ((-1, 1), ("undecided", False)),
        ((-9, -1), ("undecided", False)),
        ((-9, -1.60), ("undecided", True)),
        ((-9, -1.68), ("outside", True)),
        ((-9, -2.2), ("outside", False)),
        ((1.60, 9), ("undecided", True)),
        ((1.68, 9), ("outside", True)),
        ((2.2, 9), ("outside", False)),
        ((-9, 9), ("inside", False)),
        ((0.1, 0.2), ("undecided", False)),
    ],
)
def test_rope_by_where_the_interval_lies(limits, verdict):
    assert rope(normal(0), limits) == verdict


@pytest.mark.parametrize(
    ("limits", "word"), [((-3, 3), "inside"), ((-1, 1), "undecided"), ((2.2, 9), "outside")]
)
def test_rope_by_shortest_intervals(limits, word):
    assert rope(normal(0), limits, "hdi") == (word, False)


def test_a_decision_flips_within_two_mcse_of_its_probability():
    above = np.array([0.99, 0.956, 0.944, 0.5, 0.02, np.nan])
    mcse = np.full(6, 0.0034)
    words, flips = directions(above, mcse, 1 - above, mcse, 0.95)
    assert words.tolist() == ["above", "above", "undecided", "undecided", "below", ""]
    assert flips.tolist() == [False, True, True, False, False, False]
    inside, flips = memberships(above, mcse, 0.95)
    assert inside.tolist() == ["in", "in", "undecided", "undecided", "out", ""]
    assert flips.tolist() == [False, True, True, False, False, False]


def test_shares_of_broken_draws_are_nan():
    hits = np.ones((2, 4, 50), dtype=bool)
    value, mcse = share(hits, np.array([True, False]))
    assert value.tolist()[0] == 1.0 and mcse.tolist()[0] == 0.0
    assert np.isnan([value[1], mcse[1]]).all()


def choose(*means, top=None, largest=True):
    theta = np.stack([normal(m, seed=i) for i, m in enumerate(means)])
    return best_of(theta.__getitem__, len(means), 4000, largest, top, 0.95)


def test_the_choice_is_unstable_where_means_are_close():
    # An MCSE of a difference of means is 1.41 / 63 = 0.022.
    found = choose(0.0, 1.0, 0.98, 0.7)
    assert found.chosen.tolist() == [False, True, False, False]
    assert found.unstable.tolist() == [False, True, True, False]
    clear = choose(0.0, 1.0, 0.9, 0.7)
    assert not clear.unstable.any()
    assert choose(0.0, 1.0, 0.9, largest=False).chosen.tolist() == [True, False, False]


def test_what_is_in_the_top_is_said_when_it_is_sure():
    found = choose(0.0, 10.0, 10.1, 0.01, top=2)
    assert found.top_words.tolist() == ["out", "in", "in", "out"]
    assert choose(0.0, 0.0, 0.0, top=1).top_words.tolist() == ["undecided"] * 3
