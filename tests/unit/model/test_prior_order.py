"""Which way the priors split what the likelihood cannot."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from model_support import plan_of

from hiermix.design.identification import audit_identification
from hiermix.model.prior_order import median, prior_order
from hiermix.spec.distributions import DISTRIBUTIONS
from hiermix.spec.priors import parse_prior

FORMULA = "y ~ 1 + (1 | customer) + (1 | product) + (1 | customer:product)"


def sold(text):
    rows = [pair.split("-") for pair in text.split()]
    table = pd.DataFrame(rows, columns=["customer", "product"])
    return table.assign(y=np.arange(len(table)) % 5 + 0.5)


TABLE = sold("a-P a-P a-Q b-Q b-Q b-R c-Q c-R")


def order(table=TABLE, formula=FORMULA, **options):
    plan = plan_of(table, formula, **options)
    return prior_order(plan, audit_identification(plan.parts, False))


def test_a_looser_outer_prior_takes_the_common_effect():
    (found,) = order(priors={"1|product": "HalfNormal(1)", "1|customer:product": "HalfNormal(0.1)"})
    assert (found.metric, found.scope) == ("prior_sd_ratio", "prior")
    assert found.variable == "1|product vs 1|customer:product"
    assert found.value == pytest.approx(10)
    assert found.note == (
        "1 level of product has the same rows as a level of customer:product; the prior "
        "HalfNormal(1) of the sd of product is looser than HalfNormal(0.1) of customer:product, "
        "so their common effect goes mostly to product"
    )


def test_a_tighter_outer_prior_leaves_it_to_the_pairs():
    (found,) = order(
        priors={"1|product": "HalfNormal(0.5)", "1|customer:product": "Exponential(0.5)"}
    )
    # medians .67449 / 2 and 2 ln 2
    assert found.value == pytest.approx(0.337245 / 1.386294, rel=1e-5)
    assert found.note.endswith("so their common effect goes mostly to customer:product")


def test_equal_priors_split_evenly_and_every_such_level_is_counted():
    table = sold("a-P a-P a-Q b-Q b-Q b-R c-S c-S c-Q")
    (found,) = order(table)
    assert found.value == 1
    assert found.note.startswith("3 levels of product have the same rows")
    assert found.note.endswith("is split evenly")


def test_each_outer_factor_has_its_own():
    table = sold("a-P a-Q b-Q z-Z")
    found = order(table)
    assert [m.variable for m in found] == [
        "1|customer vs 1|customer:product",
        "1|product vs 1|customer:product",
    ]


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("a-P a-Q b-P b-Q", FORMULA),
        ("a-P a-P a-Q b-Q", "y ~ 1 + (1 | customer) + (1 | product)"),
        ("z-Z z-Z a-P a-Q b-P", "y ~ 1 + (1 | customer) + (1 | product)"),
    ],
)
def test_without_such_a_level_there_is_nothing_to_say(text, formula):
    assert order(sold(text), formula) == ()


def test_a_component_has_its_prefix_and_its_own_priors():
    found = order(
        formula="y ~ 1 + (1 | product)",
        components={"sigma": "~ 1 + (1 | product) + (1 | customer:product)"},
        priors={"sigma_1|product": "HalfNormal(3)"},
    )
    assert [(m.variable, m.value) for m in found] == [
        ("sigma: 1|product vs 1|customer:product", pytest.approx(3))
    ]


def test_fixed_numbers_are_their_own_median():
    assert median(0.25) == 0.25


def test_a_distribution_without_a_usable_median_is_skipped():
    assert median(parse_prior("Normal(0, 1)")) is None
    assert median(parse_prior("Uniform(-3, 1)")) is None
    assert order(priors={"1|product": "LogNormal(1000, 1)"}) == ()


POSITIVE = [
    "HalfNormal(0.7)",
    "HalfCauchy(0.7)",
    "Exponential(4)",
    "Gamma(2, 3)",
    "Gamma(mu=2, sigma=3)",
    "InverseGamma(3, 2)",
    "InverseGamma(mu=2, sigma=3)",
    "Weibull(1.5, 2)",
    "LogNormal(-1, 0.5)",
    "Wald(2, 3)",
    "Beta(2, 5)",
    "Beta(mu=0.3, sigma=0.2)",
    "Uniform(0.5, 3)",
    "TruncatedNormal(1, 2, lower=0)",
    "TruncatedNormal(1, 2, lower=0, upper=1.5)",
]


@pytest.mark.parametrize("text", POSITIVE)
def test_half_of_the_mass_that_pymc_gives_a_prior_lies_below_its_median(text):
    prior = parse_prior(text)
    distribution = getattr(pm, prior.distribution).dist(**dict(prior.arguments))
    assert np.exp(pm.logcdf(distribution, median(prior)).eval()) == pytest.approx(0.5, abs=1e-6)


def test_the_median_of_a_half_t_is_the_upper_quartile_of_the_t():
    distribution = pm.StudentT.dist(nu=3, mu=0, sigma=0.7)
    middle = median(parse_prior("HalfStudentT(3, 0.7)"))
    assert np.exp(pm.logcdf(distribution, middle).eval()) == pytest.approx(0.75, abs=1e-6)


def test_every_distribution_that_a_group_sd_may_have_is_tried():
    tried = {"HalfStudentT", *(parse_prior(text).distribution for text in POSITIVE)}
    needed = {d.name for d in DISTRIBUTIONS.values() if d.support in ("positive", "unit")}
    assert needed <= tried
