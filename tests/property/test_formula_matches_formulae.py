"""Random valid formulas: our terms against those of formulae, our values against Python's."""

import math

import numpy as np
import pandas as pd
from formulae import design_matrices
from formulae.model_description import model_description
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from hiermix.errors import FormulaError
from hiermix.formula import Formula, parse_formula

FUNCTIONS = {"log": np.log, "sqrt": np.sqrt, "exp": np.exp, "abs": np.abs}

# formulae cannot multiply a sum by an equal sum, or sums of calls with literal arguments (its
# hash of them fails), so the two sides of such products draw from two pools without literals.
LEFT = st.sampled_from(["x", "z", "f", "log(x)", "C(f)"])
RIGHT = st.sampled_from(["w", "I(w ** 2)", "scale(z)", "`a b`", "poly(w, 2)"])
PLAIN_RIGHT = st.sampled_from(["w", "scale(z)", "`a b`", "log(w)"])
ANY = LEFT | RIGHT


def bracketed(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    some = st.lists(leaves, min_size=2, max_size=3, unique=True)
    return some.map(lambda names: f"({' + '.join(names)})")


@st.composite
def powers(draw: st.DrawFn) -> str:
    names = draw(st.lists(ANY, min_size=2, max_size=4, unique=True))
    order = draw(st.integers(2, len(names)))
    return f"({' + '.join(names)}) ** {order}"


def chain(operators: list[str], operands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operator = st.sampled_from(operators)
    more = st.lists(st.tuples(operator, operands), min_size=1, max_size=2)
    return st.builds(
        lambda first, rest: first + "".join(f"{o}{operand}" for o, operand in rest), operands, more
    )


PRODUCTS = st.builds(
    "{} {} {}".format, bracketed(LEFT), st.sampled_from("*:"), bracketed(PLAIN_RIGHT)
)
NESTINGS = st.builds("{} / {}".format, LEFT | bracketed(LEFT), RIGHT | bracketed(RIGHT))
PIECES = st.one_of(
    ANY, bracketed(ANY), powers(), PRODUCTS, NESTINGS, chain(["*", ":"], ANY), chain(["/"], LEFT)
)
EFFECTS = st.sampled_from(
    ["1", "x", "1 + x", "0 + x", "x + z", "x*z", "0 + f + x", "x:z", "I(x ** 2)", "log(x) + f"]
)
FACTORS = st.sampled_from(["g", "g:h", "g/h", "g + h", "g*h", "C(g)", "g/h/k", "g:h + k"])
GROUPS = st.builds("({} {} {})".format, EFFECTS, st.sampled_from(["|", "||"]), FACTORS)


@st.composite
def right_sides(draw: st.DrawFn) -> str:
    pieces = draw(st.lists(PIECES, min_size=1, max_size=4))
    pieces += draw(st.lists(GROUPS, max_size=1)) + draw(st.sampled_from([[], ["1"], ["0"]]))
    text = " + ".join(draw(st.permutations(pieces)))
    # q stays whatever is taken out: a formula without terms is refused.
    text = draw(st.sampled_from(["", "", "0 + ", "1 + ", "-1 + "])) + text + " + q"
    text += "".join(f" - {leaf}" for leaf in draw(st.lists(ANY, max_size=1)))
    return text + draw(st.sampled_from(["", "", " - 1"]))


def formulae_terms(text: str) -> tuple[bool, list[frozenset[str]], set[tuple[str, str]]]:
    """Intercept, common terms in order and group terms, as formulae resolves ``text``.

    formulae knows no ``||``, and keeps ``a:b`` beside ``b:a``: here the first of them counts.
    """
    model = model_description(text.replace("||", "|"))
    common = [term.name for term in model.common_terms]
    keys = dict.fromkeys(
        frozenset(part.name for part in term.components)
        for term in model.common_terms
        if term.name != "Intercept"
    )
    blocks = {tuple(term.name.split("|")) for term in model.group_terms}
    return "Intercept" in common, list(keys), blocks


def our_terms(formula: Formula) -> tuple[bool, list[frozenset[str]], set[tuple[str, str]]]:
    common = [frozenset(factor.name for factor in term.factors) for term in formula.terms]
    blocks = {
        (effect, group.factor_name)
        for group in formula.group_terms
        for effect in [*(["1"] if group.intercept else []), *(t.name for t in group.terms)]
    }
    return formula.intercept, common, blocks


@given(right_sides())
@settings(max_examples=400, deadline=None)
def test_terms_and_their_order_are_those_of_formulae(right):
    intercept, common, blocks = our_terms(parse_formula(f"y ~ {right}"))
    # A factor C(g) keeps its name in formulae; as a grouping factor it is g.
    expected = formulae_terms(f"y ~ {right.replace('| C(g)', '| g')}")
    assert (intercept, common) == expected[:2]
    assert blocks == expected[2]


@given(right_sides())
@settings(max_examples=200, deadline=None)
def test_names_of_terms_are_those_of_formulae(right):
    formula = parse_formula(f"y ~ {right}")
    model = model_description(" + ".join(["y ~ 0", *(term.render() for term in formula.terms)]))
    assert [term.name for term in model.common_terms] == [term.name for term in formula.terms]


@given(right_sides())
@settings(max_examples=200, deadline=None)
def test_canonical_text_reads_back_as_the_same_formula(right):
    formula = parse_formula(f"y ~ {right}")
    assert parse_formula(formula.canonical()) == formula
    assert parse_formula(formula.canonical()).canonical() == formula.canonical()


# ---- arithmetic: Python is the reference, as the language means what Python means ----

NUMBERS = st.sampled_from(["1", "2", "0.5", "1e-5", "2.50", "1e17", "12345678901234567890"])
ATOMS = st.sampled_from(["x", "w", "n"]) | NUMBERS


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "<", ">="]), inner),
        st.builds("({})**{}".format, inner, st.sampled_from(["2", "-1", "0.5", "3"])),
        st.builds("-{}".format, st.sampled_from(["x", "n", "x**2", "(w - x)"])),
        st.builds("{}({})".format, st.sampled_from(["exp", "abs"]), st.sampled_from(["x", "-n"])),
    )


ARITHMETIC = st.recursive(ATOMS, compound, max_leaves=6)

TABLE = pd.DataFrame({"x": [0.5, 1.25, 2.0, 3.5], "w": [-1.0, 0.25, 4.0, 2.0], "n": [0, 1, 3, 2]})
STERILE = {"x": "v0", "w": "v1", "n": "v2"}


def python_values(text: str) -> np.ndarray:
    class Flags(np.ndarray):
        """Floats whose comparisons are floats too."""

        def __lt__(self, other):
            return np.less(np.asarray(self), np.asarray(other)).astype(float).view(Flags)

        def __gt__(self, other):
            return np.greater(np.asarray(self), np.asarray(other)).astype(float).view(Flags)

        def __ge__(self, other):
            return np.greater_equal(np.asarray(self), np.asarray(other)).astype(float).view(Flags)

        def __le__(self, other):
            return np.less_equal(np.asarray(self), np.asarray(other)).astype(float).view(Flags)

    columns = {name: TABLE[name].to_numpy(dtype=float).view(Flags) for name in TABLE}
    with np.errstate(all="ignore"):
        return np.asarray(eval(text, {**FUNCTIONS, **columns}), dtype=float)


@given(ARITHMETIC.filter(lambda text: any(name in text for name in ("x", "w", "n"))))
@settings(max_examples=300, deadline=None)
def test_arithmetic_means_in_formulae_what_it_means_in_python(arithmetic):
    text = f"I({arithmetic})"
    try:
        formula = parse_formula(f"y ~ {text} + I(x)")
        expected = python_values(arithmetic)
    except FormulaError as error:
        assert error.id == "formula.power"
        reject()
    except ZeroDivisionError:
        reject()
    assert parse_formula(formula.canonical()) == formula
    term = formula.terms[0]
    rendered = term.render(STERILE)
    with np.errstate(all="ignore"):
        matrices = design_matrices(
            f"0 + {rendered}", TABLE.rename(columns=STERILE), extra_namespace=FUNCTIONS
        )
    assert list(matrices.common.terms) == [rendered]
    values = np.asarray(matrices.common.terms[rendered].data, dtype=float)
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=math.ulp(0.0))
