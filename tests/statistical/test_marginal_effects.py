"""Average marginal effects against Bambi's ``interpret``, draws being the same."""

import bambi as bmb
import numpy as np
import pytest
from model_support import panel
from question_support import Asked

pytestmark = pytest.mark.statistical

RTOL = 1e-9
"""Both evaluate the same columns and average in another order."""

SLOPE_RTOL = 2e-3
"""Bambi's slope is a forward difference with a step of 1e-4 of the response itself."""

MODELS = {
    "gaussian": ("y ~ x * f + z + (x | g)", "y", {}),
    "logit": ("hit ~ x + f + x:z + (1 | g)", "hit", {"family": "bernoulli"}),
    "log": ("count ~ poly(x, 2) + f + log(exposure) + (f | g)", "count", {"family": "poisson"}),
    "probit": ("hit ~ scale(x) * f + (1 | g)", "hit", {"family": "bernoulli", "link": "probit"}),
}


def made(name):
    """Return the model with random draws, and Bambi's own of the same formula."""
    formula, _, options = MODELS[name]
    table = panel()
    table["x"] = np.round(table["x"])  # few distinct values: Bambi has one slope for each
    asked = Asked(table, formula, n_draws=40, chains=2, **options)
    if name == "gaussian":
        theirs = bmb.Model(formula, asked.frame.table)
    else:
        theirs = bmb.Model(formula, asked.frame.table, **options)
    theirs.build()
    return asked, theirs


@pytest.fixture(scope="module", params=MODELS)
def both(request):
    return made(request.param)


def test_contrasts_of_a_factor_equal_bambis(both):
    asked, theirs = both
    ours = asked.answers(
        {"of": "f", "scale": "response", "contrast": "reference", "reference": "a"}
    )
    for level in ("b", "c"):
        found = bmb.interpret.comparisons(
            theirs, asked.fit.tree, contrast={"f": ["a", level]}, average_by="all"
        )
        (mean,) = ours.loc[ours["level"] == level, "mean"]
        np.testing.assert_allclose(mean, found.summary["estimate"].item(), rtol=RTOL)


def test_contrasts_of_two_numbers_equal_bambis_also_by_level(both):
    asked, theirs = both
    question = {"of": "x", "scale": "response", "values": [1, 3]}
    ours = asked.answers(question, {**question, "name": "by", "by": "f"})
    found = bmb.interpret.comparisons(
        theirs, asked.fit.tree, contrast={"x": [1.0, 3.0]}, average_by="all"
    )
    np.testing.assert_allclose(ours["mean"][0], found.summary["estimate"].item(), rtol=RTOL)
    by = bmb.interpret.comparisons(
        theirs, asked.fit.tree, contrast={"x": [1.0, 3.0]}, average_by="f"
    ).summary.set_index("f")["estimate"]
    rows = ours[ours["question"] == "by"]
    np.testing.assert_allclose(rows["mean"], by[rows["by"]], rtol=RTOL)


def test_the_average_slope_equals_bambis_at_the_observed_values(both):
    """Bambi gives all rows one value: of its slopes those of the rows that have it are averaged."""
    asked, theirs = both
    (ours,) = asked.answers({"of": "x", "scale": "response"})["mean"]
    x = asked.frame.table["x"].to_numpy()
    total = 0.0
    for value in np.unique(x):
        found = bmb.interpret.slopes(theirs, asked.fit.tree, wrt={"x": value}, eps=1e-4)
        total += found.summary["estimate"].to_numpy()[x == value].sum()
    assert abs(total) > 0.1
    np.testing.assert_allclose(ours, total / len(x), rtol=SLOPE_RTOL)


def test_the_slope_at_one_value_equals_bambis(both):
    asked, theirs = both
    (ours,) = asked.answers({"of": "x", "scale": "response", "at": {"x": 2}})["mean"]
    found = bmb.interpret.slopes(theirs, asked.fit.tree, wrt={"x": 2.0}, eps=1e-4, average_by="all")
    np.testing.assert_allclose(ours, found.summary["estimate"].item(), rtol=SLOPE_RTOL)
