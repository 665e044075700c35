"""Which common effects the effects of a level deviate from."""

import numpy as np
import pytest
from model_support import panel, plan_of

from hiermix.diagnostics.scalars import scalar_names
from hiermix.summary.centres import _takes_part, centre_of
from hiermix.summary.draws import effect_names
from tests.effort_support import at_most


def table():
    made = panel(n_groups=5, rows=24)
    return made.assign(half=["hi" if i % 3 else "lo" for i in range(len(made))])


def centres(formula, **options):
    """Return what each effect of the levels of ``g`` deviates from, by names."""
    plan = plan_of(table(), formula, **options)
    part = plan.design.main
    return {
        name: " + ".join(scalar_names(p)[place] for p, place in centre_of(plan, part, term, i))
        for term in part.group
        for i, name in enumerate(effect_names(plan, part, term))
    }


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("y ~ x + (x | g)", {"Intercept": "Intercept", "x": "x"}),
        ("y ~ z + (0 + x | g)", {"x": ""}),
        (
            "y ~ half * x + (0 + half | g)",
            {"half[hi]": "Intercept", "half[lo]": "Intercept + half[lo]"},
        ),
        ("y ~ 0 + half + (0 + half | g)", {"half[hi]": "half[hi]", "half[lo]": "half[lo]"}),
        ("y ~ 0 + half + (half | g)", {"Intercept": "", "half[lo]": ""}),
        ("y ~ x * half + (0 + x:half | g)", {"x:half[hi]": "x", "x:half[lo]": "x + x:half[lo]"}),
        (
            "y ~ x + z + f * half + (0 + f:half | g)",
            {
                "f:half[a, hi]": "Intercept",
                "f:half[a, lo]": "Intercept + half[lo]",
                "f:half[b, hi]": "Intercept + f[b]",
                "f:half[b, lo]": "Intercept + f[b] + half[lo] + f:half[b, lo]",
                "f:half[c, hi]": "Intercept + f[c]",
                "f:half[c, lo]": "Intercept + f[c] + half[lo] + f:half[c, lo]",
            },
        ),
        ("y ~ x:half + (x + x:half | g)", {"Intercept": "Intercept", "x": "", "x:half[lo]": ""}),
    ],
)
def test_an_effect_deviates_from_the_common_effects_in_its_column(formula, expected):
    assert centres(formula) == expected


def test_categories_of_an_ordinal_response_have_no_intercept():
    plan = plan_of(table(), "grade ~ half + (0 + half | g)", family="cumulative")
    (term,) = plan.design.main.group
    found = [[p.name for p, _ in centre_of(plan, plan.design.main, term, i)] for i in (0, 1)]
    assert found == [[], ["half"]]


def test_the_columns_of_a_term_are_looked_at_together():
    categories = np.tile(np.eye(200), (3, 1))
    with at_most(100):
        assert _takes_part(np.ones(600), categories, 7)
    assert _takes_part(categories[:, :9].sum(axis=1), categories, 7)
    assert not _takes_part(categories[:, 9:].sum(axis=1), categories, 7)
    assert not _takes_part(categories @ np.arange(1.0, 201), categories, 0)
