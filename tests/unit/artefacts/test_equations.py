"""Models written as equations."""

from types import SimpleNamespace

import pytest
from model_support import frame_of, panel, spec_of

from hiermix.artefacts.distributions import DISTRIBUTIONS, ORDINAL, symbol
from hiermix.artefacts.equations import MAX_SUMMANDS, model_equations
from hiermix.artefacts.notation import Atom, plain
from hiermix.artefacts.statement import statement
from hiermix.design import build_design
from hiermix.design.response import UNSUPPORTED
from hiermix.model import plan_model
from hiermix.spec.families import FAMILIES


def model_of(formula: str, **options) -> dict:
    """Return the model of a manifest, as far as equations need it."""
    loaded = spec_of(formula, **options)
    frame = frame_of(panel(), loaded.spec)
    design = build_design(loaded.spec, frame)
    plan = plan_model(loaded.spec, design)
    prepared = SimpleNamespace(loaded=loaded, design=design, plan=plan, frame=frame)
    return {
        "family": loaded.spec.model.family,
        "links": dict(plan.links),
        "priors": [
            {"parameter": p.name, "role": p.role} for p in plan.parameters if p.prior is not None
        ],
        "statement": statement(prepared),
    }


def lines(formula: str, **options) -> list[str]:
    stated = model_equations(model_of(formula, **options))
    return [equation.plain for equation in stated.equations]


SHAPES = {
    "correlated slopes": (
        ("y ~ x + f + (x | g)", {}),
        [
            "y_i ~ Normal(μ_i, σ)",
            "μ_i = β_0 + β_1 x_i + β_2 f[b]_i + β_3 f[c]_i + u_{0,g[i]} + u_{1,g[i]} x_i",
            "(u_{0,g}, u_{1,g}) ~ MVNormal(0, D_g R_g D_g)",
            "D_g = diag(τ_{0,g}, τ_{1,g})",
        ],
    ),
    "independent slopes and an interaction": (
        ("y ~ x * z + (x || g)", {}),
        [
            "y_i ~ Normal(μ_i, σ)",
            "μ_i = β_0 + β_1 x_i + β_2 z_i + β_3 x:z_i + u_{0,g[i]} + u_{1,g[i]} x_i",
            "u_{0,g} ~ Normal(0, τ_{0,g})",
            "u_{1,g} ~ Normal(0, τ_{1,g})",
        ],
    ),
    "nested factors and a proportion": (
        ("p(k, n) ~ x + (1 | g/h)", {"family": "binomial"}),
        [
            "k_i ~ Binomial(n_i, p_i)",
            "logit(p_i) = β_0 + β_1 x_i + u_{0,g[i]} + u_{0,g:h[i]}",
            "u_{0,g} ~ Normal(0, τ_{0,g})",
            "u_{0,g:h} ~ Normal(0, τ_{0,g:h})",
        ],
    ),
    "a fixed number of trials": (
        ("p(k, 12) ~ 1 + (1 | g)", {"family": "binomial", "link": "probit"}),
        [
            "k_i ~ Binomial(12, p_i)",
            "probit(p_i) = β_0 + u_{0,g[i]}",
            "u_{0,g} ~ Normal(0, τ_{0,g})",
        ],
    ),
    "a slope without intercept": (
        ("hit ~ x + (0 + x | g)", {"family": "bernoulli"}),
        [
            "hit_i ~ Bernoulli(p_i)",
            "logit(p_i) = β_0 + β_1 x_i + u_{1,g[i]} x_i",
            "u_{1,g} ~ Normal(0, τ_{1,g})",
        ],
    ),
    "an offset": (
        ("count ~ 0 + x + offset(log(exposure)) + (1 | g)", {"family": "negativebinomial"}),
        [
            "count_i ~ NegativeBinomial(μ_i, α)",
            "log(μ_i) = β_1 x_i + u_{0,g[i]} + log(exposure)_i",
            "u_{0,g} ~ Normal(0, τ_{0,g})",
        ],
    ),
    "known standard errors": (
        ("y ~ 1 + (1 | g)", {"known_se": "se"}),
        [
            "y_i ~ Normal(μ_i, se_i)",
            "μ_i = β_0 + u_{0,g[i]}",
            "u_{0,g} ~ Normal(0, τ_{0,g})",
        ],
    ),
    "a component": (
        ("y ~ x + (1 | g)", {"components": {"sigma": "~ z + (1 | g)"}}),
        [
            "y_i ~ Normal(μ_i, σ_i)",
            "μ_i = β_0 + β_1 x_i + u_{0,g[i]}",
            "u_{0,g} ~ Normal(0, τ_{0,g})",
            "log(σ_i) = β_0^σ + β_1^σ z_i + u_{0,g[i]}^σ",
            "u_{0,g}^σ ~ Normal(0, τ_{0,g}^σ)",
        ],
    ),
    "group means": (
        ("y ~ x + (1 | g)", {"cre": [{"group": "g"}]}),
        [
            "y_i ~ Normal(μ_i, σ)",
            "μ_i = β_0 + β_1 x_i + β_2 cre_mean_x_{g[i]} + u_{0,g[i]}",
            "u_{0,g} ~ Normal(0, τ_{0,g})",
        ],
    ),
    "ordered categories": (
        ("grade ~ x + (1 | g)", {"family": "cumulative"}),
        [
            "grade_i ~ Categorical(p_i)",
            "logit(P(grade_i ≤ k)) = θ_k − η_i",
            "η_i = β_1 x_i + u_{0,g[i]}",
            "u_{0,g} ~ Normal(0, τ_{0,g})",
        ],
    ),
    "categories": (
        ("grade ~ x + (1 | g)", {"family": "categorical"}),
        [
            "grade_i ~ Categorical(p_i)",
            "p_i = softmax(η_i)",
            "η_{ik} = β_{0k} + β_{1k} x_i + u_{0k,g[i]}",
            "u_{0k,g} ~ Normal(0, τ_{0k,g})",
        ],
    ),
    "two bars": (
        ("truncated(y, lb=-10) ~ x + (x | g) + (0 + z | g)", {}),
        [
            "y_i ~ Normal(μ_i, σ)",
            "μ_i = β_0 + β_1 x_i + u_{0,g[i]} + u_{1,g[i]} x_i + u_{2,g[i]} z_i",
            "(u_{0,g}, u_{1,g}) ~ MVNormal(0, D_g R_g D_g)",
            "D_g = diag(τ_{0,g}, τ_{1,g})",
            "u_{2,g} ~ Normal(0, τ_{2,g})",
        ],
    ),
    "an inverse square": (
        ("positive ~ x + (1 | g)", {"family": "wald"}),
        [
            "positive_i ~ Wald(μ_i, λ)",
            "1/μ_i^2 = β_0 + β_1 x_i + u_{0,g[i]}",
            "u_{0,g} ~ Normal(0, τ_{0,g})",
        ],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_model_is_written_as_equations(shape: str) -> None:
    (formula, options), expected = SHAPES[shape]
    assert lines(formula, **options) == expected


@pytest.mark.parametrize("shape", SHAPES)
def test_every_prior_has_a_symbol_that_the_equations_use(shape: str) -> None:
    (formula, options), _ = SHAPES[shape]
    model = model_of(formula, **options)
    stated = model_equations(model)
    written = " ".join(equation.plain for equation in stated.equations)
    for prior in model["priors"]:
        for atom in stated.symbols[prior["parameter"]]:
            assert atom.plain in (", ", "…") or atom.plain in written, prior


def test_a_term_of_several_columns_has_a_symbol_for_all_and_for_each() -> None:
    symbols = model_equations(model_of("y ~ x + f + (0 + f | g)")).symbols
    assert plain(symbols["f"]) == "β_2, β_3"
    assert plain(symbols["f[b]"]) == "β_2"
    assert plain(symbols["f|g_sigma"]) == "τ_{1,g}, …, τ_{3,g}"
    assert plain(symbols["f|g_sigma[c]"]) == "τ_{3,g}"


def test_each_threshold_is_named_by_the_category_below_it() -> None:
    model = model_of("grade ~ x + (1 | g)", family="cumulative")
    symbols = model_equations(model).symbols
    below = model["statement"]["response"]["categories"][:-1]
    found = [plain(symbols[f"threshold[{number}]"]) for number in range(len(below))]
    assert found == [Atom("θ", "symbol", category).plain for category in below]


def test_remarks_say_what_the_symbols_do_not() -> None:
    def remark(formula: str, **options) -> str:
        return model_equations(model_of(formula, **options)).equations[0].remark

    assert "se is known, not estimated" in remark("y ~ 1 + (1 | g)", known_se="se")
    assert "counts w times" in remark("weighted(y, w) ~ x + (1 | g)")
    assert "status calls censored" in remark("censored(y, status) ~ x + (1 | g)")
    assert "truncated from -10 to 90" in remark("truncated(y, -10, 90) ~ x + (1 | g)")
    assert "each of the 34 rows" in remark("y ~ x + (1 | g)")


def test_a_long_predictor_is_cut_with_a_count() -> None:
    terms = " + ".join(f"I(x ** {power})" for power in range(2, MAX_SUMMANDS + 7))
    last = lines(f"y ~ {terms} + (1 | g)")[1]
    # An intercept, 45 powers and a group term.
    assert last.endswith("… (7 more)")
    assert last.count(" + ") == MAX_SUMMANDS


def test_an_older_manifest_has_no_equations() -> None:
    assert model_equations({"family": "gaussian", "links": {}, "priors": []}) is None


def test_every_family_that_can_be_fitted_has_a_distribution_and_symbols() -> None:
    assert set(DISTRIBUTIONS) == set(FAMILIES) - UNSUPPORTED
    assert set(ORDINAL) <= set(DISTRIBUTIONS)
    for family in FAMILIES.values():
        names = [family.parent, *(p.name for p in family.parameters)]
        assert len({symbol(name) for name in names}) == len(names)
