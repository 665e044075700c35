"""The model in words and its priors."""

from dataclasses import replace
from pathlib import Path

import pytest

from hiermix.artefacts.describe import describe
from hiermix.artefacts.model_view import MAX_PRIORS, model_view, scale_words
from hiermix.artefacts.notation import plain
from tests.unit.artefacts import fabric


@pytest.fixture(scope="module")
def manifest():
    return describe(fabric.result(), Path("x"))


def changed(manifest, **values):
    return replace(manifest, model={**manifest.model, **values})


def test_the_words_are_those_of_explain(manifest) -> None:
    assert model_view(manifest).words == [
        "Reaction is gaussian; its mu is the sum of an intercept, Days, an own intercept and an "
        "own effect of Days for each of the 18 levels of Subject.",
        "1|Subject: 18 levels are pulled towards Intercept; spread 1|Subject_sigma ~ "
        "HalfNormal(sigma=140.5).",
        "Days|Subject: 18 levels are pulled towards Days; spread Days|Subject_sigma ~ "
        "HalfNormal(sigma=48.8).",
    ]


def test_priors_have_symbol_numbers_scale_and_source(manifest) -> None:
    rows = {row.parameter: row for row in model_view(manifest).priors}
    days = rows["Days"]
    assert (plain(days.symbol), days.prior) == ("β_1", "Normal(mu=0, sigma=10)")
    assert (days.scale, days.source) == ("units of Reaction, per unit", "stated in the spec")
    assert rows["Intercept"].scale == "units of Reaction, at mean predictors"
    assert rows["Intercept"].source == "default"
    assert rows["1|Subject_sigma"].scale == "units of Reaction"
    assert rows["Days|Subject_sigma"].scale == "units of Reaction, per unit"
    assert rows["sigma"].scale == "units of Reaction"
    assert "1|Subject" not in rows


@pytest.mark.parametrize("family", ["lognormal", "hurdle_lognormal"])
def test_the_location_of_a_lognormal_is_on_the_scale_of_the_logarithm(manifest, family) -> None:
    rows = {row.parameter: row for row in model_view(changed(manifest, family=family)).priors}
    assert rows["Intercept"].scale == "log of Reaction, at mean predictors"
    assert rows["Days|Subject_sigma"].scale == "log of Reaction, per unit"
    assert rows["sigma"].scale == "log of Reaction"


def test_priors_that_differ_by_label_have_a_row_each(manifest) -> None:
    stated = {"a": "Normal(mu=0, sigma=0.123456789)", "b": "Normal(mu=0, sigma=2)"}
    prior = {"parameter": "f", "role": "common", "prior": "both", "default": True}
    view = model_view(changed(manifest, priors=[{**prior, "component": "mu", "by_label": stated}]))
    assert [(row.parameter, row.prior) for row in view.priors] == [
        ("f[a]", "Normal(mu=0, sigma=0.123457)"),
        ("f[b]", "Normal(mu=0, sigma=2)"),
    ]


def test_of_very_many_priors_some_are_left_to_the_file(manifest) -> None:
    prior = {"role": "common", "prior": "Normal(mu=0, sigma=1)", "default": True}
    many = [{**prior, "parameter": f"x{i}"} for i in range(MAX_PRIORS + 5)]
    view = model_view(changed(manifest, priors=many))
    assert (len(view.priors), view.priors_left_out) == (MAX_PRIORS, 5)


@pytest.mark.parametrize(
    ("links", "row", "words"),
    [
        ({"p": "logit"}, ("x", "common", "p"), "log odds of p, per unit"),
        ({"mu": "log"}, ("1|g_sigma", "group_sd", "mu"), "log of mu"),
        ({"mu": "log"}, ("x|g_sigma", "group_sd", "mu"), "log of mu, per unit"),
        ({"mu": "inverse"}, ("Intercept", "common", "mu"), "1/mu, at mean predictors"),
        ({"sigma": "log"}, ("sigma_1|g_sigma", "group_sd", "sigma"), "log of sigma"),
        ({"sigma": "log"}, ("sigma_x", "common", "sigma"), "log of sigma, per unit"),
        ({"mu": "identity"}, ("cor|g", "correlation", "mu"), "matrix of correlations"),
        ({"mu": "log"}, ("alpha", "auxiliary", "alpha"), "its own"),
    ],
)
def test_the_scale_of_a_prior_is_that_of_its_linear_predictor(links, row, words) -> None:
    model = {"links": links, "statement": {"response": {"expression": "y"}}}
    keys = ("parameter", "role", "component")
    assert scale_words(model, dict(zip(keys, row, strict=True))) == words


@pytest.mark.parametrize(
    ("family", "link", "row", "words"),
    [
        ("cumulative", "logit", ("x", "common", "p"), "log odds of y > k, per unit"),
        ("cumulative", "probit", ("1|g_sigma", "group_sd", "p"), "probit of y > k"),
        ("cumulative", "logit", ("threshold", "auxiliary", "threshold"), "log odds of y ≤ k"),
        ("sratio", "logit", ("x", "common", "p"), "log odds of y > k where y ≥ k, per unit"),
        (
            "sratio",
            "logit",
            ("threshold", "auxiliary", "threshold"),
            "log odds of y = k where y ≥ k",
        ),
    ],
)
def test_an_ordered_response_says_the_odds_of_what(family, link, row, words) -> None:
    model = {
        "family": family,
        "links": {"p": link},
        "statement": {"response": {"expression": "y"}},
    }
    keys = ("parameter", "role", "component")
    assert scale_words(model, dict(zip(keys, row, strict=True))) == words


def test_columns_of_group_means_are_explained(manifest) -> None:
    columns = [
        {"column": "x", "within": "x", "mean": "cre_mean_x"},
        {"column": "z", "within": "cre_within_z", "mean": "cre_mean_z"},
    ]
    statement = {**manifest.model["statement"], "contextual": [{"group": "g", "columns": columns}]}
    assert model_view(changed(manifest, statement=statement)).columns == [
        "cre_mean_x is the mean of x over the rows of a level of g.",
        "cre_mean_z is the mean of z over the rows of a level of g, cre_within_z is z less that "
        "mean.",
    ]


def test_an_older_manifest_has_its_priors_without_symbols(manifest) -> None:
    kept = {n: v for n, v in manifest.model.items() if n not in ("statement", "words")}
    old_priors = [
        {name: prior[name] for name in ("parameter", "role", "prior", "default")}
        for prior in kept["priors"]
    ]
    view = model_view(replace(manifest, model={**kept, "priors": old_priors}))
    assert (view.words, view.columns, view.equations) == ([], [], ())
    assert {row.symbol for row in view.priors} == {()}
