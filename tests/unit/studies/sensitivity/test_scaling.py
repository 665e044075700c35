"""Priors of group sds that are stretched, and the models with them."""

import json
from pathlib import Path

import numpy as np
import pytest
from model_support import panel
from run_support import Silent

from hiermix import pipeline
from hiermix.errors import HiermixError
from hiermix.model.distributions import frozen
from hiermix.spec import load_spec
from hiermix.spec.distributions import DISTRIBUTIONS
from hiermix.spec.priors import parse_prior
from hiermix.studies.sensitivity.scaling import ALL, scaled_prior, variants

POSITIVE = [
    "HalfNormal(2)",
    "HalfStudentT(4, 1.5)",
    "HalfCauchy(3)",
    "Exponential(0.7)",
    "Gamma(2, 3)",
    "Gamma(mu=1.5, sigma=0.4)",
    "InverseGamma(3, 2)",
    "InverseGamma(mu=1.5, sigma=0.4)",
    "Weibull(1.5, 2)",
    "LogNormal(-0.5, 0.8)",
    "Wald(1.2, 2.5)",
    "Uniform(0.2, 3)",
    "TruncatedNormal(mu=1, sigma=0.5, lower=0.2)",
    "TruncatedNormal(mu=1, sigma=0.5, lower=0, upper=4)",
]

PROBABILITIES = np.linspace(0.01, 0.99, 25)


@pytest.mark.parametrize("factor", [0.25, 3.0])
@pytest.mark.parametrize("text", POSITIVE)
def test_quantiles_of_a_scaled_prior_are_those_of_the_prior_times_the_factor(text, factor) -> None:
    prior = parse_prior(text)
    expected = factor * frozen(prior).ppf(PROBABILITIES)
    found = frozen(scaled_prior(prior, factor)).ppf(PROBABILITIES)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_every_family_of_a_positive_parameter_but_beta_can_be_scaled() -> None:
    tested = {text.partition("(")[0] for text in POSITIVE}
    possible = {name for name, d in DISTRIBUTIONS.items() if d.support in ("positive", "interval")}
    assert tested == possible


@pytest.fixture
def prepare(tmp_path: Path):
    panel(n_groups=12, rows=12).to_csv(tmp_path / "data.csv", index=False)

    def prepared(formula: str, priors=None, **model) -> pipeline.Prepared:
        document = {
            "data": {"path": "data.csv"},
            "model": {"formula": formula, **model},
            "priors": priors or {},
            "fit": {"seed": 1},
        }
        return pipeline.prepare(load_spec(json.dumps(document), "s.yaml"), tmp_path, Silent())

    return prepared


def texts(plan) -> dict[str, list[str]]:
    return {
        p.name: [q.text for q in p.prior] for p in plan.parameters if isinstance(p.prior, tuple)
    }


def test_one_group_sd_is_scaled_at_a_time_and_nothing_else_changes(prepare) -> None:
    before = prepare("y ~ x + (x | g) + (1 | h)", {"1|g": "HalfNormal(3)", "x|g": "Exponential(4)"})
    points = {(p.scaled, p.factor): p for p in variants(before, [0.5, 2.0])}
    assert {scaled for scaled, _ in points} == {"1|g_sigma", "x|g_sigma", "1|h_sigma", ALL}
    assert {factor for _, factor in points} == {0.5, 1.0, 2.0}
    old = texts(before.plan)
    new = texts(points["x|g_sigma", 2.0].prepared.plan)
    assert new == {**old, "x|g_sigma": ["Exponential(lam=2)"]}
    assert points["x|g_sigma", 2.0].prior == "Exponential(lam=2)"
    together = texts(points[ALL, 0.5].prepared.plan)
    assert {name for name in old if old[name] != together[name]} == {
        "1|g_sigma",
        "x|g_sigma",
        "1|h_sigma",
    }
    assert together["1|g_sigma"] == ["HalfNormal(sigma=1.5)"]


def test_a_factor_of_one_is_the_run_and_is_not_fitted(prepare) -> None:
    before = prepare("y ~ x + (1 | g)")
    (own,) = [p for p in variants(before, [2.0]) if p.factor == 1]
    assert own.prepared is None
    assert own.prior == before.plan.parameter("1|g_sigma").prior[0].text


def test_priors_that_differ_by_column_are_scaled_by_column(prepare) -> None:
    before = prepare("y ~ f + (0 + f || g)", {"f[b]|g": "HalfNormal(3)", "f|g": "HalfNormal(1)"})
    (point,) = [p for p in variants(before, [2.0]) if p.factor == 2]
    new = texts(point.prepared.plan)["f|g_sigma"]
    assert new == ["HalfNormal(sigma=2)", "HalfNormal(sigma=6)", "HalfNormal(sigma=2)"]


def test_group_sds_of_a_component_are_scaled_under_their_own_names(prepare) -> None:
    before = prepare("y ~ x + (1 | g)", {}, components={"sigma": "~ 1 + (1 | h)"})
    (point,) = [
        p for p in variants(before, [2.0]) if p.scaled == "sigma_1|h_sigma" if p.factor == 2
    ]
    old, new = texts(before.plan), texts(point.prepared.plan)
    assert [name for name in old if old[name] != new[name]] == ["sigma_1|h_sigma"]


def test_priors_that_cannot_be_scaled_are_refused_by_name_and_together(prepare) -> None:
    before = prepare("y ~ x + (x || g)", {"1|g": "Beta(2, 3)", "x|g": "Beta(1, 1)"})
    with pytest.raises(HiermixError) as caught:
        variants(before, [2.0])
    told = caught.value.flatten()
    assert [e.id for e in told] == ["sensitivity.prior-not-scaled"] * 2
    assert "1|g_sigma" in told[0].message and "Beta(alpha=2, beta=3)" in told[0].message
    assert "x|g_sigma" in told[1].message


def test_a_model_without_group_terms_has_no_grid(prepare) -> None:
    assert variants(prepare("y ~ x"), [2.0]) == ()
