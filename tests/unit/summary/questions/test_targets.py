"""What a question can be about, in memory and on disk."""

import json

import numpy as np
import pytest
from model_support import panel
from question_support import Asked

from hiermix.artefacts.draws import read_draws, write_draws
from hiermix.summary.draws import by_level, draws_of
from hiermix.summary.group_effects import common_draws
from hiermix.summary.questions.asking import model_targets
from hiermix.summary.questions.targets import of_json, target_draws, to_json

MODELS = {
    "slopes": ("y ~ x + z + (x + z | g)", {}),
    "crossed": ("y ~ x + (x | g) + (z | h) + (1 | sub)", {}),
    "factor slopes": ("y ~ f + (f | g)", {}),
    "cells": ("y ~ f + (0 + f | g)", {}),
    "cells only": ("y ~ 0 + f + (0 + f | g)", {}),
    "no common effect": ("y ~ 0 + x + (1 | g) + (z | h)", {}),
    "pair": ("y ~ x + (1 | g:h)", {}),
    "component": ("y ~ x + (1 | g)", {"components": {"sigma": "~ 1 + f + (1 | g)"}}),
    "categories": ("grade ~ x + (1 | g)", {"family": "categorical"}),
    "divided": ("y ~ I(x / 2) + (I(x / 2) | g)", {}),
    "fixed": ("y ~ x + (x | g)", {"priors": {"sigma": 0.4}}),
}


def made(name) -> Asked:
    formula, options = MODELS[name]
    return Asked(panel(), formula, n_draws=20, **options)


def group_coefficients(asked):
    """Yield name and draws ``(n_draws, n_groups)`` as ``group_effects.csv`` has them."""
    plan = asked.plan
    for part in plan.parts:
        for term in part.group:
            deviations = by_level(
                plan, part, term, draws_of(asked.fit, plan.parameter(plan.label(part, term.name)))
            )
            for column in range(deviations.shape[1]):
                yield deviations[:, column] + common_draws(asked.fit, plan, part, term, column)


@pytest.mark.parametrize("name", MODELS)
def test_coefficients_are_those_of_the_group_table(name):
    asked = made(name)
    posterior = asked.fit.tree["posterior"].dataset
    groups = [t for t in model_targets(asked.frame, asked.plan) if t.kind == "group"]
    expected = list(group_coefficients(asked))
    assert len(groups) == len(expected)
    assert len({t.name for t in groups}) == len(groups)
    for target, coefficient in zip(groups, expected, strict=True):
        positions = np.arange(len(target.levels))[::-1]
        found = target_draws(target, posterior, positions).reshape(len(positions), -1)
        np.testing.assert_allclose(found, coefficient.T[::-1], rtol=1e-13)


@pytest.mark.parametrize("name", MODELS)
def test_a_run_directory_keeps_them(name, tmp_path):
    asked = made(name)
    targets = model_targets(asked.frame, asked.plan)
    write_draws(tmp_path, asked.fit.tree)
    stored = json.loads(json.dumps(to_json(targets, asked.plan)))
    posterior = read_draws(tmp_path)["posterior"].dataset
    back = of_json(stored, posterior)
    assert [(t.name, t.kind, t.levels, t.note) for t in back] == [
        (t.name, t.kind, t.levels, t.note) for t in targets
    ]
    before = asked.fit.tree["posterior"].dataset
    for old, new in zip(targets, back, strict=True):
        every = np.arange(len(old.levels))
        np.testing.assert_array_equal(
            target_draws(new, posterior, every), target_draws(old, before, every)
        )


def test_a_parameter_that_the_spec_fixes_has_its_number_as_every_draw():
    (sigma,) = made("fixed").answers({"of": "sigma", "threshold": 0.3}).to_dict("records")
    assert (sigma["mean"], sigma["sd"]) == (pytest.approx(0.4), pytest.approx(0, abs=1e-15))
    assert sigma["prob_above"] == 1.0


def names(name, kind):
    asked = made(name)
    return [t.name for t in model_targets(asked.frame, asked.plan) if t.kind == kind]


def test_names_are_those_of_the_tables():
    assert names("factor slopes", "group") == ["1|g", "f[b]|g", "f[c]|g"]
    assert names("component", "group") == ["1|g", "sigma_1|g"]
    assert names("component", "factor") == ["sigma_f"]
    assert names("slopes", "parameter") == [
        "Intercept", "x", "z", "1|g_sigma", "x|g_sigma", "z|g_sigma",
        "cor|g[1, x]", "cor|g[1, z]", "cor|g[x, z]", "sigma",
    ]  # fmt: skip


def test_a_factor_with_all_its_levels_in_the_model_has_no_reference():
    asked = made("cells only")
    (factor,) = [t for t in model_targets(asked.frame, asked.plan) if t.kind == "factor"]
    assert (factor.levels, factor.reference) == (("a", "b", "c"), False)


@pytest.mark.parametrize(
    ("formula", "of", "words"),
    [
        ("y ~ x + (x | g)", "1|g", "where x is 0"),
        ("y ~ x * f", "f", "takes part in x:f"),
        ("y ~ x * f", "x", "takes part in x:f"),
        ("y ~ x + f + (1 | g)", "1|g", ""),
        ("y ~ x * z + f", "f", ""),
    ],
)
def test_what_holds_only_somewhere_is_noted(formula, of, words):
    asked = Asked(panel(), formula, n_draws=20)
    (note,) = set(asked.answers({"of": of})["note"])
    assert (words in note) and bool(words) == bool(note)
