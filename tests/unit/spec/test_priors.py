import math
import pickle

import pytest

from hiermix.errors import PriorError
from hiermix.spec.priors import DISTRIBUTIONS, number_text, parse_prior


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Normal(0, 1)", "Normal(mu=0, sigma=1)"),
        ("Normal(mu=0, sigma=1)", "Normal(mu=0, sigma=1)"),
        ("Normal(sigma=2, mu=-1.5)", "Normal(mu=-1.5, sigma=2)"),
        ("  Normal ( 0 ,1 ) ", "Normal(mu=0, sigma=1)"),
        ("Normal()", "Normal(mu=0, sigma=1)"),
        ("Normal(0, sigma=1e-3)", "Normal(mu=0, sigma=0.001)"),
        ("StudentT(4)", "StudentT(nu=4, mu=0, sigma=1)"),
        ("StudentT(4, 0, 2.5)", "StudentT(nu=4, mu=0, sigma=2.5)"),
        ("HalfNormal(.3)", "HalfNormal(sigma=0.3)"),
        ("HalfStudentT(nu=3, sigma=+2.)", "HalfStudentT(nu=3, sigma=2)"),
        ("Exponential(2)", "Exponential(lam=2)"),
        ("Gamma(2, 0.1)", "Gamma(alpha=2, beta=0.1)"),
        ("Gamma(mu=2, sigma=1)", "Gamma(mu=2, sigma=1)"),
        ("Beta(mu=0.2, sigma=0.1)", "Beta(mu=0.2, sigma=0.1)"),
        ("Lognormal(0, 1)", "LogNormal(mu=0, sigma=1)"),
        ("Uniform(-1, 1)", "Uniform(lower=-1, upper=1)"),
        ("TruncatedNormal(0, 1, lower=0)", "TruncatedNormal(mu=0, sigma=1, lower=0)"),
        ("TruncatedNormal(0, 1, upper=3)", "TruncatedNormal(mu=0, sigma=1, upper=3)"),
        ("LKJ(2)", "LKJ(eta=2)"),
        ("Normal(-0, 1e3)", "Normal(mu=0, sigma=1000)"),
    ],
)
def test_priors_are_read_with_defaults_filled_in(text, canonical):
    prior = parse_prior(text)
    assert prior.text == canonical
    assert parse_prior(prior.text) == prior


@pytest.mark.parametrize(
    ("text", "id", "words", "caret"),
    [
        ("Normall(0, 1)", "unknown-distribution", "'Normall'; did you mean 'Normal'?", 1),
        ("normal(0, 1)", "unknown-distribution", "did you mean 'Normal'?", 1),
        ("Flat()", "unknown-distribution", "unknown distribution 'Flat'", 1),
        ("Normal(mean=0, sigma=1)", "unknown-argument", "Normal has mu, sigma; got 'mean'", 8),
        ("Gamma(shape=1)", "unknown-argument", "alpha, beta (or mu, sigma); got 'shape'", 7),
        ("Normal(0, -1)", "argument-range", "sigma must be > 0, got -1", 11),
        ("HalfNormal(0)", "argument-range", "sigma must be > 0, got 0", 12),
        ("Beta(mu=1.5, sigma=.1)", "argument-range", "mu must be between 0 and 1", 9),
        ("Beta(mu=.5, sigma=.5)", "argument-range", "no Beta has this mean and sd", 21),
        ("Normal(mu=0, sigma=.nan)", "not-finite", "finite number expected, got '.nan'", 20),
        ("Normal(nan)", "not-finite", "mu: finite number expected, got 'nan'", 8),
        ("Normal(0, inf)", "not-finite", "sigma: finite number expected, got 'inf'", 11),
        ("Normal(0, 1e400)", "not-finite", "finite number expected, got '1e400'", 11),
        ("Normal(0, HalfNormal(1))", "not-a-number", "number expected, got 'HalfNormal'", 11),
        ("Normal(0, '1')", "not-a-number", "number expected, got '''", 11),
        ("Normal(0, )", "not-a-number", "sigma: number expected, got ')'", 11),
        ("Normal(0,", "not-a-number", "sigma: number expected, got nothing", 10),
        ("Normal(0 1)", "syntax", "',' or ')' expected, got '1'", 10),
        ("Normal(0, 1", "syntax", "',' or ')' expected, got the end", 12),
        ("Normal", "syntax", "'(' expected, got the end", 7),
        ("Normal(0, 1) + 2", "syntax", "unexpected '+' after the prior", 14),
        ("0.5", "syntax", "name of a distribution expected, got '0.5'", 1),
        ("", "syntax", "name of a distribution expected, got nothing", 1),
        ("Normal(0, 1, 2)", "too-many-arguments", "Normal has mu, sigma; got one more", 14),
        ("Normal(0, mu=1)", "repeated-argument", "'mu' given twice", 11),
        ("Normal(sigma=1, 0)", "syntax", "a number without a name cannot follow", 17),
        ("Gamma(2)", "missing-argument", "'beta' is missing", 8),
        ("Gamma(alpha=2, mu=1)", "argument-mixture", "got a mixture", 16),
        ("TruncatedNormal(0, 1)", "missing-argument", "needs lower or upper", 21),
        ("Uniform(2, 1)", "argument-order", "lower must be below upper", 13),
        ("Uniform(1, 1)", "argument-order", "lower must be below upper", 13),
        ("backends.os.system(1)", "attribute", "'backends.os.system' is not allowed", 1),
        ("__import__(1)", "attribute", "not allowed", 1),
        ("Normal(mu=os.path)", "attribute", "'os.path' is not allowed", 11),
        ("Normal(a.b=1)", "attribute", "not allowed", 8),
        ("Normal(٣, 1)", "not-a-number", "number expected", 8),
        ("Normal(1_000, 1)", "not-a-number", "number expected", 8),
        ("Normal(0x10, 1)", "not-a-number", "number expected", 8),
        ("Normal(" + "0" * 600 + ")", "too-long", "at most 500 characters", 1),
    ],
)  # fmt: skip
def test_wrong_priors_are_refused_with_a_caret(text, id, words, caret):
    with pytest.raises(PriorError) as caught:
        parse_prior(text)
    error = caught.value
    assert error.id == f"prior.{id}"
    assert words in error.message
    assert error.where.caret == caret
    assert error.hint
    assert pickle.loads(pickle.dumps(error)).where == error.where


def test_the_usual_names_of_other_tools_are_translated():
    with pytest.raises(PriorError) as caught:
        parse_prior("Normal(0, sd=1)")
    assert caught.value.hint == "did you mean 'sigma'?"


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("Normal(0, 1)", (-math.inf, math.inf)),
        ("HalfCauchy(1)", (0, math.inf)),
        ("Beta(2, 2)", (0, 1)),
        ("Uniform(0, 10)", (0, 10)),
        ("TruncatedNormal(0, 1, lower=0)", (0, math.inf)),
        ("TruncatedNormal(0, 1, upper=0)", (-math.inf, 0)),
        ("LKJ(1)", (-1, 1)),
    ],
)
def test_bounds_tell_where_a_prior_lives(text, bounds):
    assert parse_prior(text).bounds == bounds


def test_an_argument_is_got_by_name():
    prior = parse_prior("Normal(1, 2)")
    assert prior.get("sigma") == 2
    with pytest.raises(KeyError):
        prior.get("nu")


@pytest.mark.parametrize("value", [0.1, 1e-300, 1e300, 123456789.123, -2.5, 3.0, 1e15, 1e16])
def test_numbers_survive_printing(value):
    assert float(number_text(value)) == value


def test_every_distribution_has_an_example_that_survives_printing():
    for name, distribution in DISTRIBUTIONS.items():
        values = {"unit": 0.4, "real": 0.5, "positive": 1.5, "count": 3}
        given = [f"{a.name}={values[a.kind]}" for a in distribution.arguments if a.name != "upper"]
        prior = parse_prior(f"{name}({', '.join(given)})")
        assert parse_prior(prior.text) == prior
