"""Inverse links and categories against their definitions."""

import numpy as np
import pytest
from scipy import special, stats

from hiermix.spec.families import LINKS
from hiermix.studies.predict.categories import drawn, probabilities
from hiermix.summary.links import INVERSE

ETA = np.array([[-3.0, 0.2], [1.5, 40.0]])


def test_every_link_of_a_family_has_an_inverse():
    assert set(INVERSE) | {"softmax"} == set(LINKS)


@pytest.mark.parametrize(
    ("link", "inverse"),
    [
        ("identity", lambda x: x),
        ("log", np.exp),
        ("inverse", lambda x: 1 / x),
        ("logit", special.expit),
        ("probit", stats.norm.cdf),
        ("cloglog", stats.gumbel_l.cdf),
    ],
)
def test_inverse_links_are_those_of_scipy(link, inverse):
    assert np.allclose(INVERSE[link](ETA), inverse(ETA), rtol=1e-13, atol=0)


def test_the_inverse_square_link_is_undone():
    assert np.allclose(INVERSE["inverse_squared"](np.array([4.0])), 0.5)


def test_a_softmax_has_the_first_category_as_reference():
    eta = np.array([[[0.3, 700.0]], [[-0.2, 1.0]]])
    found = probabilities("categorical", "softmax", eta, None)
    assert np.allclose(found, special.softmax(np.concatenate([np.zeros((1, 1, 2)), eta]), axis=0))


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_ordinal_families_split_the_thresholds(link):
    threshold = np.array([[-1.0, -0.5], [0.4, 0.8]])
    eta = np.array([[[0.3, -0.2]]])
    f = INVERSE[link](threshold[:, None] - eta)[:, 0]
    cumulative = probabilities("cumulative", link, eta, threshold)[:, 0]
    assert np.allclose(cumulative, [f[0], f[1] - f[0], 1 - f[1]])
    ratio = probabilities("sratio", link, eta, threshold)[:, 0]
    assert np.allclose(ratio, [f[0], f[1] * (1 - f[0]), (1 - f[0]) * (1 - f[1])])


def test_one_category_is_drawn_as_often_as_it_is_likely():
    chances = np.tile(np.array([0.2, 0.5, 0.3])[:, None, None], (1, 2, 20_000))
    found = drawn(chances, np.random.default_rng(3))
    assert (found.sum(axis=0) == 1).all()
    error = np.abs(found.mean(axis=2) - chances[:, :, 0])
    assert (error <= 5 * np.sqrt(0.25 / 20_000)).all()


def test_no_category_is_drawn_without_probabilities():
    chances = np.array([[[np.nan]], [[0.5]]])
    assert np.isnan(drawn(chances, np.random.default_rng(3))).all()
