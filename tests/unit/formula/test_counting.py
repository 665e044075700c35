"""Terms are counted before they are expanded, with little work."""

import pytest

from hiermix.errors import FormulaError
from hiermix.formula import parse_formula
from hiermix.formula.counting import count_terms
from hiermix.formula.cursor import Cursor
from hiermix.formula.syntax import read_sum
from tests.effort_support import at_most

CALLS = 2_000_000
"""Far above what any of these takes (below 250,000), far below what an expansion would."""


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x", 1),
        ("1", 0),
        ("x + z - x", 2),
        ("x*z", 3),
        ("(a + b):(c + d)", 4),
        ("(a + b + c)**2", 6),
        ("(a + b + c)**3", 7),
        ("(a + b)**9", 3**9 - 1),
        ("a/b/c", 3),
        ("(x + z | g/h)", 6),
        ("*".join(f"x{i}" for i in range(16)), 65535),
    ],
)
def test_the_count_is_that_of_the_expansion(text, count):
    assert count_terms(read_sum(Cursor.over(text))) == count


LARGE = {
    "powers of powers": "y ~ " + "(" * 30 + "a + b" + ")**50" * 30,
    "a long power": "y ~ (a + b)**" + "9" * 5000,
    "a long product": "y ~ " + "*".join(["a", "b"] * 1200),
    "a long sum": "y ~ " + " + ".join(["x"] * 2400),
    "many columns": "y ~ " + " + ".join(f"x{i}" for i in range(1200)),
    "a long interaction": "y ~ " + ":".join(f"x{i}" for i in range(1200)),
    "a long nesting": "y ~ " + "/".join(f"x{i}" for i in range(1200)),
    "interactions of sums": "y ~ " + ":".join(["(a + b + c)"] * 700),
    "many group terms": "y ~ " + "+".join(f"(1|g{i})" for i in range(1000)),
    "groups of products": "y ~ (" + "*".join("abcdefghijkl") + "|" + "*".join("mnopqrstuv") + ")",
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_large_expansions_are_refused_before_they_are_made(text):
    with at_most(CALLS), pytest.raises(FormulaError) as caught:
        parse_formula(text)
    assert caught.value.id in ("formula.too-many-terms", "formula.interaction")


HARD = {
    "signs": "y ~ I(" + "-" * 9000 + "x)",
    "signs before 1": "y ~ x " + "-" * 9000 + "1",
    "chained powers": "y ~ I(x" + "**2" * 3000 + ")",
    "a long number": "y ~ I(x * " + "9" * 9000 + ")",
    "a long fraction": "y ~ I(x * 0." + "0" * 9000 + "1)",
    "open parentheses": "y ~ " + "(" * 9000,
    "nested calls": "y ~ " + "log(" * 2000 + "x" + ")" * 2000,
    "open backquotes": "`" * 9001,
    "closed parentheses": "y ~ x" + ")" * 9000,
    "tildes": "~" * 9000,
    "a long name": "y ~ " + "x" * 9000 + "(z)",
    "a long attribute": "y ~ x" + ".x" * 4000 + "(z)",
    "too long": "y ~ x" + " " * 20_000,
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_no_text_is_much_work_or_breaks_the_parser(text):
    with at_most(CALLS):
        try:
            parse_formula(text)
        except FormulaError as error:
            assert len(error.message) < 300


def test_long_arithmetic_is_no_deep_tree():
    formula = parse_formula("y ~ I(" + " + ".join(["x"] * 2000) + ")")
    assert formula.variables() == ("y", "x")
    assert parse_formula(formula.canonical()) == formula


def test_thirty_two_parentheses_are_allowed():
    assert parse_formula("y ~ " + "(" * 32 + "x" + ")" * 32).canonical() == "y ~ x"
