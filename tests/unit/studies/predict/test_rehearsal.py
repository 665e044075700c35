"""A design that was stored belongs to its draws, whatever the model."""

from dataclasses import replace

import numpy as np
import pytest
from model_support import frame_of, panel, spec_of

from hiermix.design import build_design
from hiermix.model import plan_model
from hiermix.studies.predict.consistency import check_consistent
from hiermix.studies.predict.describe import describe_design
from hiermix.studies.predict.rehearsal import DrawsOutline, check_against_draws
from hiermix.studies.predict.stored import from_json, to_json
from tests.unit.studies.predict.test_describe import CRE, FORMULAS, rows

FAMILIES = [
    ("categorical", "grade ~ x + f + (x|g)", {}),
    ("cumulative", "grade ~ x + f + (x|g)", {}),
    ("sratio", "grade ~ 0 + f + (1|g)", {"link": "probit"}),
    ("binomial", "p(k, n) ~ x + (1|g)", {}),
    ("binomial", "p(k, 12) ~ x + (1|g)", {"link": "cloglog"}),
    ("beta_binomial", "p(k, n) ~ x + (1|g)", {}),
    ("zero_inflated_binomial", "p(k, n) ~ x + (1|g)", {"components": {"psi": "~ f + (x|g)"}}),
    ("bernoulli", "hit ~ x + (1|g)", {}),
    ("poisson", "count ~ x + offset(log(exposure)) + (1|g)", {}),
    ("negativebinomial", "count ~ x + (1|g)", {"components": {"alpha": "~ z"}}),
    ("hurdle_poisson", "count ~ x + (1|g)", {}),
    ("hurdle_negativebinomial", "count ~ x + (1|g)", {}),
    ("zero_inflated_poisson", "count ~ x + (1|g)", {}),
    ("gamma", "positive ~ x + (1|g)", {"link": "log"}),
    ("wald", "positive ~ x + (1|g)", {"link": "log"}),
    ("weibull", "positive ~ x + (1|g)", {"link": "log"}),
    ("exponential", "positive ~ x + (1|g)", {"link": "log"}),
    ("lognormal", "positive ~ x + (1|g)", {}),
    ("hurdle_gamma", "positive ~ x + (1|g)", {"link": "log"}),
    ("hurdle_lognormal", "positive ~ x + (1|g)", {}),
    ("beta", "share ~ x + (1|g)", {}),
    ("t", "y ~ x + (1|g)", {"priors": {"nu": 4}}),
    ("laplace", "y ~ x + (1|g)", {}),
    ("asymmetriclaplace", "y ~ x + (1|g)", {}),
    ("exgaussian", "y ~ x + (1|g)", {}),
    ("vonmises", "angle ~ x + (1|g)", {}),
    ("gaussian", "y ~ x + (1|g)", {"known_se": "se"}),
    ("gaussian", "weighted(y, w) ~ x + (1|g)", {"priors": {"sigma": 0.5}}),
    ("gaussian", "y ~ x + (x|g) + (0 + f|g)", {"components": {"sigma": "~ z + (1|h)"}}),
    ("gaussian", "y ~ 0 + (1|g)", {}),
    ("gaussian", "y ~ x", {}),
]


def stored_of(formula, table, **options):
    spec = spec_of(formula, **options).spec
    frame = frame_of(table, spec)
    design = build_design(spec, frame)
    plan = plan_model(spec, design)
    stored = from_json(to_json(describe_design(spec, frame, design, plan)))
    assert stored.problem == ""
    own = [p for p in plan.parameters if not isinstance(p.prior, float)]
    outline = DrawsOutline(
        {p.variable: tuple(name for name, _ in p.dims) for p in own},
        {name: tuple(labels) for p in own for name, labels in p.dims},
    )
    return stored, outline, () if design.contextual is None else design.contextual.means


def accepted(stored, outline, means):
    check_consistent(stored)
    check_against_draws(stored, outline, means)


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_accepted(formula):
    accepted(*stored_of(formula, rows()))


@pytest.mark.parametrize(("formula", "cre"), CRE)
def test_contextual_effects_are_accepted(formula, cre):
    accepted(*stored_of(formula, rows(), cre=cre))


@pytest.mark.parametrize(("family", "formula", "options"), FAMILIES)
def test_a_family_is_accepted(family, formula, options):
    accepted(*stored_of(formula, panel(n_groups=9, rows=14), family=family, **options))


def test_columns_and_levels_with_odd_names_are_accepted():
    table = rows().rename(columns={"x": "price / unit", "f": "a/b"})
    table["g"] = [f"\N{SNOWMAN} {level}: /" for level in table["g"]]
    accepted(*stored_of("y ~ scale(`price / unit`) * `a/b` + (`price / unit`|g:`a/b`)", table))


def test_other_level_means_are_refused():
    stored, outline, (means,) = stored_of("y ~ x + (1|g)", rows(), cre=[{"group": "g"}])
    with pytest.raises(ValueError, match="the levels of g are not those of its means"):
        check_against_draws(stored, outline, (replace(means, levels=means.levels[::-1]),))
    with pytest.raises(ValueError, match="cannot evaluate a row"):
        check_against_draws(stored, outline, ())


def test_other_draws_are_refused():
    stored, outline, means = stored_of("y ~ f + (x|g)", rows())
    dim = next(name for name in outline.labels if name.startswith("g"))
    other = {**outline.labels, dim: tuple(np.roll(outline.labels[dim], 1).tolist())}
    with pytest.raises(ValueError, match="are not those of its draws"):
        check_against_draws(stored, replace(outline, labels=other), means)
