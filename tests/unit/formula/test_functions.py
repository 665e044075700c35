"""The allowlist against formulae, which evaluates what it lets through."""

import numpy as np
import pandas as pd
import pytest
from formulae import design_matrices

from hiermix.design.columns import ELEMENTWISE
from hiermix.formula import FUNCTIONS, parse_formula
from hiermix.formula.functions import INNER, LEFT

DOCUMENTED = [
    *("log", "log2", "log10", "exp", "sqrt", "abs", "center", "scale", "standardize"),
    *("poly", "bs", "C", "I", "offset"),
]

EXAMPLES = [
    *(f"{name}(n)" for name in DOCUMENTED if name not in ("poly", "bs", "offset")),
    "offset(n)",
    "offset(log(n))",
    "scale(log(n + 1))",
    "poly(n, 3)",
    "poly(log(n), degree=2, raw=True)",
    "bs(n, 4)",
    "bs(n, df=5, degree=2, intercept=True)",
    "bs(n, df=4, lower_bound=0, upper_bound=20.5)",
    "I(n ** -2)",
    "I(n > 2)",
    'I(f == "a")',
    'I((f == "a") * n)',
]

TABLE = pd.DataFrame({"v0": [1, 2, 3, 5, 8, 13, 9, 4], "v1": pd.Categorical(list("abbaabba"))})


def test_the_list_is_the_documented_one():
    assert list(FUNCTIONS) == DOCUMENTED


def test_only_one_number_a_row_goes_into_another_function():
    assert set(DOCUMENTED) - INNER == {"poly", "bs", "C", "offset"}


def test_a_response_is_transformed_by_itself_only():
    assert {"center", "scale", "standardize"} == INNER - LEFT


@pytest.mark.parametrize("text", EXAMPLES)
def test_formulae_evaluates_every_function_under_its_own_text(text):
    formula = parse_formula(f"y ~ {text}")
    rename = {"n": "v0", "f": "v1"}
    expressions = [*formula.offsets, *(f for term in formula.terms for f in term.factors)]
    rendered = expressions[0].render(rename)
    matrices = design_matrices(f"0 + {rendered}", TABLE, "error", extra_namespace=ELEMENTWISE)
    (name,) = matrices.common.terms
    assert name == rendered
    assert np.isfinite(np.asarray(matrices.common.terms[name].data)).all()


def test_whole_numbers_do_not_overflow():
    (term,) = parse_formula("y ~ I(n ** 20)").terms
    rendered = term.render({"n": "v0"})
    values = design_matrices(f"0 + {rendered}", TABLE).common.terms[rendered].data
    np.testing.assert_allclose(values, TABLE["v0"].to_numpy(dtype=float) ** 20)
