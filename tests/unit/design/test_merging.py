import pytest
from model_support import spec_of

from hiermix.data import Merging
from hiermix.design import merging_of
from hiermix.spec import load_spec


@pytest.mark.parametrize(
    ("formula", "options", "merging"),
    [
        ("y ~ x + (x | g)", {}, Merging("y")),
        ("y ~ log(x) * f + offset(o) + (1 | g / h)", {}, Merging("y")),
        ("y ~ x + (x | g)", {"family": "bernoulli"}, Merging()),
        ("p(k, n) ~ x + (x | g)", {"family": "binomial", "link": "probit"}, Merging()),
        ("y ~ x + offset(log(e)) + (1 | g)", {"family": "poisson"}, Merging()),
    ],
)
def test_rows_of_families_with_sufficient_statistics_merge(formula, options, merging):
    assert merging_of(spec_of(formula, **options).spec) == merging


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("log(y) ~ x + (1 | g)", {}),
        ("y ~ scale(x) + (1 | g)", {}),
        ("y ~ x + (poly(x, 2) | g)", {}),
        ("y ~ I(center(x) ** 2) + (1 | g)", {}),
        ("y ~ bs(x, df=4) + (1 | g)", {"family": "bernoulli"}),
        ("y ~ offset(scale(x)) + (1 | g)", {"family": "poisson"}),
        ("weighted(y, w) ~ x + (1 | g)", {}),
        ("y ~ x + (1 | g)", {"known_se": "se"}),
        ("y ~ x + (1 | g)", {"components": {"sigma": "~ x"}}),
        ("y ~ x + (1 | g)", {"family": "negativebinomial"}),
        ("y ~ x + (1 | g)", {"link": "log"}),
        ("y ~ x + (1 | g)", {"cre": [{"group": "g", "terms": ["x"]}]}),
    ],
)
def test_other_rows_do_not(formula, options):
    assert merging_of(spec_of(formula, **options).spec) is None


def test_rows_do_not_merge_if_the_spec_says_so():
    text = "data: {path: d.csv, reduce: off}\nmodel: {formula: y ~ x + (1 | g)}\nfit: {seed: 1}"
    assert merging_of(load_spec(text, "s.yaml").spec) is None
