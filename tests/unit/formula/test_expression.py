"""Expressions and their three texts: canonical, name, and the one for formulae."""

import pytest

from hiermix.formula import Expression, Term, column_text, parse_formula


def expression(text: str) -> Expression:
    (term,) = parse_formula(f"y ~ {text}").terms
    (factor,) = term.factors
    return factor


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("I(x**2)", "I(x ** 2)"),
        ("I( ( x+1 ) *2)", "I((x + 1) * 2)"),
        ("I(x-(z-w))", "I(x - (z - w))"),
        ("I((x))", "I(x)"),
        ("I(-x**2)", "I(-(x ** 2))"),
        ("I((-x)**2)", "I((-x) ** 2)"),
        ("I(x**-1)", "I(x ** -1)"),
        ("I(x*-z)", "I(x * -z)"),
        ("I(+x)", "I(x)"),
        ("I(x*1e-3)", "I(x * 0.001)"),
        ("I(x/2.50)", "I(x / 2.5)"),
        ("I(x*1E5)", "I(x * 100000.0)"),
        ("I(x*.5)", "I(x * 0.5)"),
        ("I(x>=0)", "I(x >= 0)"),
        ("I((x>0)+(z>0))", "I((x > 0) + (z > 0))"),
        ("I(f=='a b')", 'I(f == "a b")'),
        ("log(x+1)", "log(x + 1)"),
        ("scale(log(x))", "scale(log(x))"),
        ("poly(x,2)", "poly(x, 2)"),
        ("poly(x,degree=2,raw=True)", "poly(x, degree=2, raw=True)"),
        ("bs(x,df=4,lower_bound=-1)", "bs(x, df=4, lower_bound=-1)"),
        ("C(`a b`)", "C(`a b`)"),
    ],
)
def test_canonical_text_is_spaced_and_reads_back(text, canonical):
    found = expression(text)
    assert found.render() == canonical
    assert expression(canonical) == found


@pytest.mark.parametrize(
    ("text", "for_formulae"),
    [
        ("x", "v0"),
        ("log(x)", "log(v0 * 1.0)"),
        ("C(x)", "C(v0)"),
        ("I((x + 1) * 2)", "I(I(v0 * 1.0 + 1) * 2)"),
        ("I(-x ** 2)", "I(-I(I(v0 * 1.0) ** 2))"),
        ("I(x * 1e-5)", "I(v0 * 1.0 * I(1 / 100000))"),
        ("I(x * 9007199254740993)", "I(v0 * 1.0 * I(9007199254740993 / 1))"),
        ("I(1 / x)", "I(1 / I(v0 * 1.0))"),
        ("I(x > 0)", "I(I(v0 * 1.0 > 0) * 1.0)"),
        ("I(x == 'a')", 'I(I(v0 == "a") * 1.0)'),
        ("poly(x, 2)", "poly(v0 * 1.0, 2)"),
    ],
)
def test_the_text_for_formulae_avoids_what_formulae_reads_differently(text, for_formulae):
    assert expression(text).render({"x": "v0"}) == for_formulae


def test_renamed_columns_are_quoted_where_they_must_be():
    assert expression("x").render({"x": "a b"}) == "`a b`"
    assert expression("log(x)").render({"x": "True"}) == "log(`True` * 1.0)"


@pytest.mark.parametrize(
    ("name", "text"),
    [("x", "x"), ("x.1", "x.1"), ("x.", "`x.`"), ("a._b", "`a._b`"), ("None", "`None`")],
)
def test_a_column_text_reads_back_as_the_column(name, text):
    assert column_text(name) == text
    assert parse_formula(f"y ~ {text}").variables() == ("y", name)


def test_expressions_answer_what_the_design_asks():
    column, call = expression("`a b`"), expression("log(x + x)")
    assert column.is_column and column.function is None
    assert not call.is_column and call.function == "log"
    assert call.variables == ("x",)


def test_the_name_of_a_term_has_no_backquotes():
    (term,) = parse_formula("y ~ `a b`:log(`c d`)").terms
    assert term.name == "a b:log(c d)"
    assert term.render() == "`a b`:log(`c d`)"
    assert term.render({"a b": "v0", "c d": "v1"}) == "v0:log(v1 * 1.0)"


def test_a_term_can_be_built_from_an_expression():
    assert Term((expression("log(x)"),)).name == "log(x)"
