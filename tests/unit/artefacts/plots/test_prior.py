"""The plot of a prior check."""

from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from hiermix.artefacts.plots.prior import prior_plot

RNG = np.random.default_rng(1)


def check_of(outcomes, observed, family="gaussian", rows=None):
    row = {
        "quantity": "outcome",
        "group": "",
        "term": "",
        "prior_lower": float(np.quantile(outcomes, 0.05)) if len(outcomes) else np.nan,
        "prior_median": float(np.median(outcomes)) if len(outcomes) else np.nan,
        "prior_upper": float(np.quantile(outcomes, 0.95)) if len(outcomes) else np.nan,
        "data_min": 0.0,
        "data": 0.5,
        "data_max": 1.0,
    }
    table = pd.DataFrame(rows or [row])
    return SimpleNamespace(
        table=table,
        observed=observed,
        outcomes=outcomes,
        family=family,
        response="y<b>",
        interval=0.9,
    )


def texts(svg: str) -> list[str]:
    return ["".join(e.itertext()) for e in ElementTree.fromstring(svg).iter() if "text" in e.tag]


@pytest.mark.parametrize(
    ("outcomes", "family"),
    [
        (RNG.normal(size=500), "gaussian"),
        (RNG.integers(0, 4, 500).astype(float), "poisson"),
        (np.exp(RNG.normal(0, 300, 500).clip(-700, 690)), "gamma"),
        (np.zeros(500), "gaussian"),
    ],
)
def test_any_outcomes_give_a_plot_with_the_response_and_both_colours(outcomes, family) -> None:
    svg = prior_plot(check_of(outcomes, np.array([0.0, 1.0, 1.0]), family))
    assert "y<b>" in texts(svg) and "<b>" not in svg
    assert {"prior", "data", "outcome"} <= set(texts(svg))
    assert svg == prior_plot(check_of(outcomes, np.array([0.0, 1.0, 1.0]), family))


def test_a_bernoulli_model_shows_probabilities() -> None:
    svg = prior_plot(check_of(RNG.random(500), np.array([0.0, 1.0]), "bernoulli"))
    assert "probability of y<b>" in texts(svg)


def test_quantities_without_any_number_and_categories_give_a_plot() -> None:
    check = check_of(np.zeros(0), np.zeros(0))
    assert "outcome" not in texts(prior_plot(check))
    rows = [{**check.table.iloc[0].to_dict(), "quantity": "category_share", "term": "high"}]
    rows[0] |= {"prior_lower": 0.1, "prior_median": 0.3, "prior_upper": 0.6}
    assert "high" in texts(prior_plot(check_of(np.zeros(0), np.zeros(0), "cumulative", rows)))
