"""The model that is sampled is the one that Bambi states for the user's own formula.

Bambi's effects of a level are independent, which is written with two bars here and one in Bambi;
`test_correlated_density` goes on from there.

Log densities are compared at random points, without sampling: wrong priors, links, codings,
indexes or parameterizations all show.
"""

import warnings

import bambi as bmb
import numpy as np
import pandas as pd
import pytest
from model_support import panel, plan_of

from hiermix.engines.bambi_model import build_model
from hiermix.model.plan import ModelPlan

TOLERANCE = 1e-8  # relative; both are float64 sums of at most 200 terms

pytestmark = [pytest.mark.statistical, pytest.mark.slow]

MODELS = [
    ("gaussian", "y ~ x + (x || g)", {}),
    ("gaussian", "y ~ 0 + x + z", {}),
    ("gaussian", "y ~ f + x:z + (1 | g) + (1 | h)", {}),
    ("gaussian", "y ~ f * x + (f || g)", {}),
    ("gaussian", "y ~ poly(x, 2) + scale(z) + (0 + poly(x, 2) || g)", {}),
    ("gaussian", "y ~ x + offset(z) + (1 | g)", {}),
    ("gaussian", "y ~ 1 + (1 | sub)", {}),
    ("gaussian", "y ~ x + (1 | g)", {"components": {"sigma": "~ z + (1 | g)"}}),
    ("t", "y ~ x + (1 | g)", {}),
    ("bernoulli", "hit ~ x + f + z:f + (1 | g)", {}),
    ("bernoulli", "hit ~ x + (1 | g)", {"link": "probit"}),
    ("binomial", "p(k, n) ~ x + f + (x || g)", {}),
    ("beta_binomial", "p(k, n) ~ x + (1 | g)", {}),
    ("poisson", "count ~ x + offset(log(exposure)) + (x || g)", {}),
    ("negativebinomial", "count ~ x + (1 | g)", {}),
    ("zero_inflated_poisson", "count ~ x + (1 | g)", {}),
    ("hurdle_poisson", "count ~ x + (1 | g)", {}),
    ("gamma", "positive ~ x + (1 | g)", {"link": "log"}),
    ("weibull", "positive ~ x + (1 | g)", {}),
    ("exponential", "positive ~ x + (1 | g)", {}),
    ("lognormal", "positive ~ x + (1 | g)", {}),
    ("wald", "positive ~ x + (1 | g)", {"link": "log"}),
    ("beta", "share ~ x + (1 | g)", {}),
    ("vonmises", "angle ~ x + (1 | g)", {}),
    ("laplace", "y ~ x + (1 | g)", {}),
    ("asymmetriclaplace", "y ~ x + (1 | g)", {}),
    ("exgaussian", "y ~ x + (1 | g)", {}),
    ("hurdle_gamma", "positive ~ x + (1 | g)", {}),
    ("hurdle_lognormal", "positive ~ x + (1 | g)", {}),
    ("hurdle_negativebinomial", "count ~ x + (1 | g)", {}),
    ("zero_inflated_negativebinomial", "count ~ x + (1 | g)", {}),
    ("zero_inflated_binomial", "p(k, n) ~ x + (1 | g)", {}),
    ("cumulative", "grade ~ x + (1 | g)", {}),
    ("sratio", "grade ~ x + f + (1 | g)", {}),
    ("categorical", "grade ~ x + f + (1 | g)", {}),
    ("exponential", "censored(positive, status) ~ x + (1 | g)", {}),
]


def bambi_formula(formula: str, components: dict[str, str]) -> bmb.Formula:
    extra = [f"{name} {text}" for name, text in components.items()]
    return bmb.Formula(formula, *extra)


def bambi_statement(table: pd.DataFrame, family: str, formula: str, options: dict) -> bmb.Model:
    text = table.select_dtypes(exclude="number").columns
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Bambi's remarks on the user's formula
        model = bmb.Model(
            bambi_formula(formula.replace("||", "|"), options.get("components", {})),
            table.astype(dict.fromkeys(text, object)).astype(dict.fromkeys(text, "category")),
            family=family,
            link=options.get("link"),
        )
        model.build()
    return model


def value_name(model, name: str) -> str:
    return model.rvs_to_values[model[name]].name


def to_bambi_point(plan: ModelPlan, ours, built, theirs, point):
    """Carry a point of our model to Bambi's non-centred one.

    Names differ, and a group sd may be |x| s of a signed x, where Bambi samples its logarithm.
    Returns Bambi's point and its log density less ours that this change of variables makes.
    """
    target, difference = {}, 0.0
    signs = {}
    for sterile, name in built.names.items():
        signed = f"{sterile}_signed"
        if signed in ours.named_vars:
            x = point[value_name(ours, signed)]
            scale = np.array([prior.get("sigma") for prior in plan.parameter(name).prior])
            sd = np.abs(x) * scale.reshape(np.shape(x))
            target[value_name(theirs, name)] = np.log(sd)
            signs[sterile.removesuffix("_sigma")] = np.sign(x)
            difference += float(np.sum(np.log(2 * np.abs(x))))
    for sterile, name in built.names.items():
        if value_name_or_none(theirs, name) in target:
            continue
        if plan.parameter(name).role == "group_specific":
            key = f"{name}_offset"
            source = next(n for n in (f"{sterile}_z", f"{sterile}_offset") if n in ours.named_vars)
        else:
            key, source = name, sterile
        shape = theirs.initial_point()[value_name(theirs, key)].shape
        value = point[value_name(ours, source)] * signs.get(sterile, 1.0)
        target[value_name(theirs, key)] = value.reshape(shape)
    return target, difference


def value_name_or_none(model, name: str) -> str | None:
    return value_name(model, name) if model[name] in model.rvs_to_values else None


@pytest.mark.parametrize(
    ("family", "formula", "options"), MODELS, ids=[f"{m[0]}: {m[1]}" for m in MODELS]
)
def test_log_density_equals_that_of_the_users_formula(family, formula, options):
    table = panel()
    plan = plan_of(table, formula, family=family, parameterization="noncentered", **options)
    built = build_model(plan)
    ours = built.pymc_model
    theirs = bambi_statement(table, family, formula, options).backend.model
    our_density = ours.compile_logp(mode="FAST_COMPILE")
    their_density = theirs.compile_logp(mode="FAST_COMPILE")
    rng = np.random.default_rng(5)
    finite = 0
    for _ in range(4):
        point = {
            name: value + rng.normal(0, 0.3, size=value.shape)
            for name, value in ours.initial_point().items()
        }
        mine = float(our_density(point))
        target, difference = to_bambi_point(plan, ours, built, theirs, point)
        expected = float(their_density(target)) - difference
        assert mine == pytest.approx(expected, rel=TOLERANCE)
        finite += np.isfinite(expected)
    assert finite >= 2


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (x || g)",
        "y ~ x + f + (x || g) + (1 | h)",
        "y ~ x + (x || g / sub)",
        "y ~ f + (f || g)",
    ],
)
@pytest.mark.parametrize("parameterization", ["auto", "centered"])
def test_centring_changes_coordinates_and_not_the_posterior(formula, parameterization):
    """p(z) dz = p(u) du: the log densities differ by the log Jacobian of u(z) alone.

    The Jacobian is taken numerically, as the derivative of each effect by its own coordinate:
    the map is triangular, since an effect refers to those built before it only.
    """
    table = panel(seed=3)
    plain = build_model(plan_of(table, formula, parameterization="noncentered"))
    centred_plan = plan_of(table, formula, parameterization=parameterization)
    centred = build_model(centred_plan)
    ours, reference = centred.pymc_model, plain.pymc_model
    density = ours.compile_logp(mode="FAST_COMPILE")
    reference_density = reference.compile_logp(mode="FAST_COMPILE")
    effects = [
        n
        for n in centred.names
        if centred_plan.parameter(centred.names[n]).role == "group_specific"
    ]
    outputs = [ours[n] for n in effects] + [ours[f"{n}_sigma"] for n in effects]
    read = ours.compile_fn(
        ours.replace_rvs_by_values(outputs),
        inputs=ours.value_vars,
        on_unused_input="ignore",
        mode="FAST_COMPILE",
    )
    rng = np.random.default_rng(11)
    for _ in range(3):
        point = {
            name: value + rng.normal(0, 0.4, size=value.shape)
            for name, value in ours.initial_point().items()
        }
        values = read(point)
        target = dict(point)
        jacobian = 0.0
        for number, name in enumerate(effects):
            effect, sd = values[number], values[len(effects) + number]
            sign = np.sign(point.get(f"{name}_sigma_signed", 1.0))
            moved = read(point | {f"{name}_z": point[f"{name}_z"] + 1.0})[number]
            jacobian += float(np.sum(np.log(np.abs(moved - effect)) - np.log(sd)))
            target[f"{name}_z"] = effect / (sign * sd)
        expected = float(reference_density(target))
        assert float(density(point)) == pytest.approx(expected + jacobian, rel=TOLERANCE)


def test_default_priors_are_bambis_numbers():
    table = panel(seed=8)
    for family, formula in [
        ("gaussian", "y ~ x + f + (x || g)"),
        ("bernoulli", "hit ~ x + f + z:x + (x || g)"),
        ("poisson", "count ~ x + poly(z, 2) + (1 | g)"),
    ]:
        plan = plan_of(table, formula, family=family)
        theirs = bambi_statement(table, family, formula, {})
        component = theirs.parameters[theirs.family.likelihood.parent]
        for parameter in plan.parameters:
            if parameter.component != plan.design.main.parameter or parameter.prior is None:
                continue
            if parameter.role == "group_sd":
                expected = component.terms[parameter.name.removesuffix("_sigma")].prior
                expected = expected.args["sigma"]
            else:
                expected = component.terms[parameter.name].prior
            assert parameter.prior[0].distribution == expected.name
            for argument, _ in parameter.prior[0].arguments:
                mine = [prior.get(argument) for prior in parameter.prior]
                np.testing.assert_allclose(mine, np.ravel(expected.args[argument]), rtol=1e-12)
