import json
from types import SimpleNamespace

import numpy as np
import pytest

from hiermix.cli.explain_text import explain_document, explain_lines
from hiermix.cli.text import plain
from hiermix.design.types import CommonTerm, Design, Factor, GroupTerm, LinearPart, Response
from hiermix.gates.verdict import Finding, Verdict
from hiermix.model.plan import Centring, ModelPlan, Parameter
from hiermix.spec import QuestionSpec
from hiermix.spec.priors import Prior


def normal(mu, sigma):
    return Prior("Normal", (("mu", mu), ("sigma", sigma)))


HALF = Prior("HalfNormal", (("sigma", 0.333333333),))


def centred(term, form, weights, reason):
    weight = np.array(weights, dtype=float)[:, None]
    return Centring(term, form, weight, weight, np.ones(6), weight, reason)


@pytest.fixture
def prepared():
    """Return y ~ x + f + (1 | g) + (z | g) with six rows in three levels."""
    factor = Factor("g", ("g",), ("a", "b", "c"), np.array([0, 0, 0, 1, 1, 2]), np.array([3, 2, 1]))
    x = CommonTerm("x", ("x",), np.ones((6, 1)))
    f = CommonTerm("f", ("f[b]", "f[c]"), np.ones((6, 2)), ("b", "c"), categorical=True)
    intercept = GroupTerm("1|g", "1", factor, ("1",), np.ones((6, 1)), correlated=True)
    slopes = (
        GroupTerm("x|g", "x", factor, ("x",), np.ones((6, 1)), correlated=True),
        GroupTerm("z|g", "z", factor, ("z",), np.ones((6, 1)), correlated=True, bar=1),
    )
    main = LinearPart("mu", True, (x, f), (intercept, *slopes))
    design = Design("y ~ x + f + (x | g) + (0 + z | g)", Response("y", "plain", np.ones(6)), main)
    parameters = (
        Parameter("Intercept", "common", prior=(normal(1.23456789, 2.5),)),
        Parameter("f", "common", (("f_dim", ("b", "c")),), prior=(normal(0, 1), normal(0, 2))),
        Parameter("x", "common", prior=(normal(0, 1),), default_prior=False),
        Parameter("1|g_sigma", "group_sd", prior=(HALF,)),
        Parameter("x|g_sigma", "group_sd", prior=(HALF,)),
        Parameter("z|g_sigma", "group_sd", prior=1.0),
        Parameter("1|g", "group_specific", (("g", ("a", "b", "c")),)),
    )
    centring = (
        centred("1|g", "noncentered", [0, 0, 0], "levels carry little"),
        centred("x|g", "centered", [1, 1, 1], "levels carry much"),
        centred("z|g", "adapted", [1, 0.5, 0], "levels differ"),
    )
    plan = ModelPlan(design, "gaussian", {"mu": "identity"}, parameters, centring, ("a note",))
    finding = Finding("rows", "data", "pass", "rows", 6.0, 10.0, 1.0, "rows", "fine", "")
    return SimpleNamespace(
        loaded=SimpleNamespace(
            spec=SimpleNamespace(
                name="demo",
                questions=(QuestionSpec(of="1|g", best="max"),),
                data=SimpleNamespace(reduce="auto"),
                model=SimpleNamespace(family="gaussian"),
            )
        ),
        frame=SimpleNamespace(n_read=8, n_rows=6, dropped={"y": 2, "x": 0}, sha256="ab" * 32),
        design=design,
        plan=plan,
        engine="nuts",
        engine_reasons={"nuts": (), "exact": ("the response is not conjugate",)},
        verdict=Verdict("publish", (finding,)),
        warnings=("two levels of g differ only by case",),
    )


def test_priors_are_given_with_their_numbers(prepared):
    priors = {p["parameter"]: p for p in explain_document(prepared)["priors"]}
    assert priors["Intercept"]["prior"] == "Normal(mu=1.23457, sigma=2.5)"
    assert priors["x"]["default"] is False
    assert priors["f[b]"]["prior"] == "Normal(mu=0, sigma=1)"
    assert priors["f[c]"]["prior"] == "Normal(mu=0, sigma=2)"
    assert priors["z|g_sigma"]["prior"] == "fixed at 1"
    assert priors["1|g"]["prior"] == "Normal(0, 1|g_sigma), correlated by cor|g"


def test_levels_are_pulled_towards_the_common_effect_or_zero(prepared):
    pooling = {p["term"]: p for p in explain_document(prepared)["pooling"]}
    assert pooling["1|g"]["towards"] == "Intercept"
    assert pooling["x|g"]["towards"] == "x"
    assert pooling["z|g"]["towards"] == "0"
    assert pooling["1|g"]["spread"] == "1|g_sigma"
    assert pooling["1|g"]["spread_prior"] == "HalfNormal(sigma=0.333333)"


def test_rows_per_level_are_counted(prepared):
    assert explain_document(prepared)["factors"] == [
        {
            "factor": "g",
            "levels": 3,
            "rows_min": 1,
            "rows_median": 2.0,
            "rows_max": 3,
            "single_row_levels": 1,
        }
    ]


def test_the_document_is_json(prepared):
    assert json.loads(json.dumps(explain_document(prepared)))["engine"] == {
        "chosen": "nuts",
        "refused": {"exact": ["the response is not conjugate"]},
        "reduction": "6 rows merged to 3 gaussian cells, without loss",
    }


def test_the_text_tells_model_design_priors_pooling_engine_and_checks(prepared):
    text = plain(explain_lines(prepared))
    for told in (
        "formula  y ~ x + f + (x | g) + (0 + z | g)",
        "rows     6 used of 8 (missing: y 2)",
        "an own intercept and an own effect of x and an own effect of z for each of the 3 levels",
        "a note",
        "mu: 4 common columns: Intercept, x, f[b], f[c]",
        "mu: x|g: x (correlated)",
        "1|g: 3 levels are pulled towards Intercept; spread 1|g_sigma ~ HalfNormal",
        "1|g: noncentered (mean weight of a level's own data 0.00): levels carry little",
        "x|g: centered (mean weight of a level's own data 1.00): levels carry much",
        "z|g: adapted (mean weight of a level's own data 0.50): levels differ",
        "1|g: coefficients of 1|g; is it above or below 0 (from P = 0.95 on); which is best",
        "not exact: the response is not conjugate",
        "verdict: pass (policy publish; 1 pass)",
        "note: two levels of g differ only by case",
    ):
        assert told in text


def test_a_model_without_groups_has_no_pooling(prepared):
    main = LinearPart("mu", True, prepared.design.main.common, ())
    design = Design("y ~ x + f", prepared.design.response, main)
    prepared.plan = ModelPlan(design, "gaussian", {"mu": "identity"}, (), ())
    text = plain(explain_lines(prepared))
    assert "Pooling" not in text
    assert "Engine" in text
