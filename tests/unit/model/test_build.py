import pytest
from model_support import panel, plan_of

from hiermix.errors import DesignError, InputErrors, PriorError


def prior_texts(plan, name):
    return [prior.text for prior in plan.parameter(name).prior]


def test_names_and_dims_are_bambis():
    plan = plan_of(panel(), "y ~ x + f + (f || g)")
    assert [p.name for p in plan.parameters] == [
        "Intercept",
        "x",
        "f",
        "1|g_sigma",
        "1|g",
        "f|g_sigma",
        "f|g",
        "sigma",
    ]
    assert plan.parameter("f").dims == (("f_dim", ("b", "c")),)
    assert [name for name, _ in plan.parameter("f|g").dims] == ["g__factor_dim", "f__expr_dim"]
    assert plan.parameter("f|g").shape == (7, 2)
    assert plan.parameter("f|g_sigma").shape == (2,)


def test_correlated_effects_have_one_parameter_a_factor_with_an_lkj_prior():
    formula = "y ~ x + f + (x + f | g) + (0 + z + w | g) + (x || h)"
    components = {"sigma": "~ z + (z | g)"}
    plan = plan_of(panel(), formula, components=components, priors={"cor|g": "LKJ(4)"})
    found = [p for p in plan.parameters if p.role == "correlation"]
    assert [p.name for p in found] == ["cor|g", "sigma_cor|g"]
    (labels,) = (labels for _, labels in found[0].dims)
    assert labels[:3] == ("1, x", "1, f[b]", "x, f[b]")
    assert labels[5:] == ("f[b], f[c]", "z, w")
    assert found[1].dims == (("sigma_g__cor_dim", ("1, z",)),)
    assert prior_texts(plan, "cor|g") == ["LKJ(eta=4)"]
    assert prior_texts(plan, "sigma_cor|g") == ["LKJ(eta=2)"]


def test_component_parameters_carry_its_name():
    plan = plan_of(panel(), "y ~ x", components={"sigma": "~ z + (1 | g)"})
    names = [p.name for p in plan.parameters]
    assert names == ["Intercept", "x", "sigma_Intercept", "sigma_z", "sigma_1|g_sigma", "sigma_1|g"]
    assert plan.links == {"mu": "identity", "sigma": "log"}


def test_known_standard_errors_leave_no_residual_sd():
    plan = plan_of(panel(), "y ~ x", known_se="se")
    assert "sigma" not in [p.name for p in plan.parameters]


def test_stated_priors_replace_defaults_by_term_or_by_column():
    plan = plan_of(
        panel(),
        "y ~ x + f + (1 | g)",
        priors={"x": "Normal(0, 0.5)", "f[c]": "Normal(1, 2)", "1|g": "Exponential(3)"},
    )
    assert prior_texts(plan, "x") == ["Normal(mu=0, sigma=0.5)"]
    assert not plan.parameter("x").default_prior
    assert prior_texts(plan, "f")[1] == "Normal(mu=1, sigma=2)"
    assert prior_texts(plan, "f")[0] != prior_texts(plan, "f")[1]
    assert prior_texts(plan, "1|g_sigma") == ["Exponential(lam=3)"]
    assert plan.parameter("sigma").default_prior


def test_a_number_fixes_the_residual_sd():
    assert plan_of(panel(), "y ~ x", priors={"sigma": 0.5}).parameter("sigma").prior == 0.5


@pytest.mark.parametrize(
    ("priors", "id", "words"),
    [
        ({"xx": "Normal(0, 1)"}, "prior.unknown-term", "terms: Intercept, x, f, 1|g, sigma"),
        ({"sigma": "Normal(0, 1)"}, "prior.needs-positive", "sigma needs a positive distribution"),
        ({"1|g": "Normal(0, 1)"}, "prior.needs-positive", "1|g needs a positive distribution"),
        ({"x": 2.0}, "prior.fixed-coefficient", "x: a distribution is needed"),
        ({"sigma": -1.0}, "prior.needs-positive", "sigma is fixed at -1"),
        ({"f[b]": "Cauchy(0, 1)"}, "prior.mixed-distributions", "f: the columns of one term"),
    ],
)
def test_wrong_priors_are_refused_at_their_key(priors, id, words):
    with pytest.raises(PriorError) as caught:
        plan_of(panel(), "y ~ x + f + (1 | g)", priors=priors)
    assert caught.value.id == id
    assert words in caught.value.message
    (key,) = priors
    assert caught.value.where.key in (f"priors.{key}", "priors.f")


@pytest.mark.parametrize(
    ("key", "number", "example"),
    [
        ("1|g", 0.15, "HalfNormal(0.15)"),
        ("1|g", 2, "HalfNormal(2)"),
        ("1|g", 0, "HalfNormal(1)"),
        ("1|g", -3.5, "HalfNormal(1)"),
        ("x", 2.0, "offset(...) in the formula"),
    ],
)
def test_a_number_where_a_distribution_is_needed_is_in_the_hint(key, number, example):
    with pytest.raises(PriorError) as caught:
        plan_of(panel(), "y ~ x + (1 | g)", priors={key: number})
    assert caught.value.id == "prior.fixed-coefficient"
    assert example in caught.value.hint


def test_the_name_of_the_printed_sd_leads_to_the_key_of_its_prior():
    with pytest.raises(PriorError) as caught:
        plan_of(panel(), "y ~ x + (1 | g)", priors={"1|g_sigma": "HalfNormal(1)"})
    assert "did you mean '1|g'?" in caught.value.hint


def test_all_wrong_priors_are_reported_at_once():
    with pytest.raises(InputErrors) as caught:
        plan_of(panel(), "y ~ x", priors={"q": "Normal(0, 1)", "sigma": "Normal(0, 1)"})
    assert len(caught.value.errors) == 2


def test_bounds_truncate_a_normal_prior():
    plan = plan_of(panel(), "y ~ x + z", bounds={"x": [0, None]}, priors={"x": "Normal(0, 2)"})
    assert prior_texts(plan, "x") == ["TruncatedNormal(mu=0, sigma=2, lower=0)"]


def test_bounds_need_a_common_effect_with_a_normal_prior():
    with pytest.raises(PriorError, match="no common effect 'q'"):
        plan_of(panel(), "y ~ x", bounds={"q": [0, None]})
    with pytest.raises(PriorError, match="need a Normal prior"):
        plan_of(panel(), "y ~ x", bounds={"x": [0, None]}, priors={"x": "Cauchy(0, 1)"})


def test_parameterization_names_group_terms():
    plan = plan_of(panel(), "y ~ x + (x | g)", parameterization={"1|g": "centered"})
    by_term = {c.term: c for c in plan.centring}
    assert by_term["1|g"].form == "centered"
    assert (by_term["1|g"].weight == 1).all()
    assert by_term["x|g"].form == "adapted"
    with pytest.raises(DesignError, match="no group term '1\\|q'"):
        plan_of(panel(), "y ~ x + (x | g)", parameterization={"1|q": "centered"})
