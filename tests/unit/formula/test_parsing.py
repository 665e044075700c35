"""Formulas to terms, group terms and offsets."""

import pickle

import pytest

from hiermix.errors import FormulaError, InputErrors
from hiermix.formula import check_columns, parse_formula, parse_right_side


def names(text: str) -> list[str]:
    return [term.name for term in parse_formula(f"y ~ {text}").terms]


def groups(text: str) -> list[str]:
    return [group.render() for group in parse_formula(f"y ~ {text}").group_terms]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x + z", ["x", "z"]),
        ("x + x", ["x"]),
        ("a:b + b:a", ["a:b"]),
        ("a*b", ["a", "b", "a:b"]),
        ("a*b*c", ["a", "b", "a:b", "c", "a:c", "b:c", "a:b:c"]),
        ("(a + b)**2", ["a", "b", "a:b"]),
        ("(a + b)*(c + d)", ["a", "b", "c", "d", "a:c", "a:d", "b:c", "b:d"]),
        ("(a + b)/c", ["a", "b", "a:b:c"]),
        ("a/b/c", ["a", "a:b", "a:b:c"]),
        ("a*b:c", ["a", "b:c", "a:b:c"]),
        ("a/(b:c + d)", ["a", "a:b:c", "a:d"]),
        ("(a + b)*(a + b)", ["a", "b", "a:b"]),
        ("a*b - a", ["b", "a:b"]),
        ("a*b - (a + b)", ["a:b"]),
        ("x:x", ["x"]),
        ("I(x ** 2):z", ["I(x ** 2):z"]),
        ("`a b` + log(`a b`)", ["a b", "log(a b)"]),
        ("x1.5 + Sepal.Length", ["x1.5", "Sepal.Length"]),
        ("mean + self + import", ["mean", "self", "import"]),
    ],
)
def test_operators_expand_to_terms_in_order(text, expected):
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "intercept"),
    [
        ("x", True),
        ("1", True),
        ("0 + x", False),
        ("-1 + x", False),
        ("x - 1", False),
        ("x + 0", False),
        ("x + -1", False),
        ("x - 1 + 1", True),
        ("x - 0", True),
        ("x - -1", True),
        ("(x - 1) + z", False),
        ("x + (0 + z)", False),
        ("0 + x + (1 + z)", True),
        ("x - (1 + x) + z", False),
        ("0 + (1 | g)", False),
    ],
)
def test_the_last_word_about_the_intercept_counts(text, intercept):
    assert parse_formula(f"y ~ {text}").intercept is intercept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(1|g)", ["(1 | g)"]),
        ("(1||g)", ["(1 | g)"]),
        ("(x|g)", ["(x | g)"]),
        ("(1 + x||g)", ["(x || g)"]),
        ("(0 + x|g)", ["(0 + x | g)"]),
        ("(x - 1|g)", ["(0 + x | g)"]),
        ("(x + 0|g)", ["(0 + x | g)"]),
        ("(x - x|g)", ["(1 | g)"]),
        ("(x*z|g)", ["(x + z + x:z | g)"]),
        ("(1|a/b)", ["(1 | a)", "(1 | a:b)"]),
        ("(x||a/b/c)", ["(x || a)", "(x || a:b)", "(x || a:b:c)"]),
        ("(x|a:b)", ["(x | a:b)"]),
        ("(x|g + h)", ["(x | g)", "(x | h)"]),
        ("(1|g*h)", ["(1 | g)", "(1 | h)", "(1 | g:h)"]),
        ("(1|C(g))", ["(1 | g)"]),
        ("(1|C(a):b)", ["(1 | a:b)"]),
        ("(1|g) + (0 + x|g)", ["(1 | g)", "(0 + x | g)"]),
        ("((1|g) + x)", ["(1 | g)"]),
        ("(1|`my group`)", ["(1 | `my group`)"]),
    ],
)
def test_group_terms_expand_to_one_block_per_factor(text, expected):
    assert groups(text) == expected


@pytest.mark.parametrize(
    ("text", "correlated"),
    [
        ("(1|g)", False),
        ("(x|g)", True),
        ("(x||g)", False),
        ("(0 + x|g)", True),
        ("(0 + I(x ** 2)|g)", False),
        ("(0 + poly(x, 2)|g)", True),
        ("(0 + x + z||g)", False),
    ],
)
def test_one_bar_correlates_wherever_a_level_can_have_several_effects(text, correlated):
    (group,) = parse_formula(f"y ~ {text}").group_terms
    assert group.correlated is correlated


def test_a_block_knows_its_columns():
    (group,) = parse_formula("y ~ (x:z | a:b)").group_terms
    assert group.factor == ("a", "b")
    assert group.factor_name == "a:b"
    assert group.variables == ("x", "z", "a", "b")


def test_offsets_are_kept_apart_from_the_terms():
    formula = parse_formula("y ~ x + offset(log(w)) + offset(2)")
    assert [term.name for term in formula.terms] == ["x"]
    assert [offset.render() for offset in formula.offsets] == ["log(w)", "2"]


def test_variables_come_once_and_the_response_first():
    formula = parse_formula("p(s, n) ~ x*log(x) + (z | g/h) + offset(w)")
    assert formula.variables() == ("s", "n", "x", "z", "g", "h", "w")
    assert formula.predictors() == ("x", "z", "g", "h", "w")


def test_a_column_that_is_taken_out_again_is_not_used():
    assert parse_formula("y ~ x + z - z").variables() == ("y", "x")


def test_newlines_inside_a_formula_are_spaces():
    assert parse_formula("y ~ x\n  + (1\n | g)\n") == parse_formula("y ~ x + (1 | g)")


def test_a_column_is_found_where_it_is_first_mentioned():
    formula = parse_formula("y ~ x +\n log(`a b`) + `a b`")
    where = formula.variable_span("a b")
    assert (where.source, where.caret, where.width) == (" log(`a b`) + `a b`", 6, 5)
    with pytest.raises(KeyError):
        formula.variable_span("nope")


def test_unknown_columns_are_reported_together_with_the_nearest_names():
    formula = parse_formula("y ~ xx + z + (1 | grp)")
    with pytest.raises(InputErrors) as caught:
        check_columns(formula, ["y", "x", "z", "g"])
    first, second = caught.value.errors
    assert first.id == "formula.unknown-column"
    assert first.message == "'xx' not in data; did you mean 'x'?"
    assert first.hint == "columns: y, x, z, g"
    assert first.where.caret == 5
    assert second.message == "'grp' not in data; did you mean 'g'?"


def test_known_columns_pass():
    check_columns(parse_formula("y ~ `a b` + (1 | g)"), ["g", "a b", "y"])


def test_a_component_has_no_response():
    formula = parse_right_side("~ 1 + (1 | g)")
    assert formula.response is None
    assert formula.canonical() == "~ (1 | g)"
    assert parse_right_side("~ 1").canonical() == "~ 1"
    assert parse_right_side("~ 0 + offset(log(se))").canonical() == "~ 0 + offset(log(se))"


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("sigma ~ 1", "formula.no-tilde"),
        ("1 + x", "formula.no-tilde"),
        ("", "formula.no-tilde"),
        ("~", "formula.no-terms"),
        ("~ 0", "formula.no-terms"),
        ("~ x ~ z", "formula.second-tilde"),
    ],
)
def test_a_component_starts_with_its_only_tilde(text, id):
    with pytest.raises(FormulaError) as caught:
        parse_right_side(text)
    assert caught.value.id == id


def test_formulas_compare_by_what_they_say_and_survive_pickling():
    formula = parse_formula("truncated(y, lb = 0)~x*z+(x|g)")
    assert formula == parse_formula("truncated(y, 0) ~ x + z + x:z + (1 + x | g)")
    assert formula != parse_formula("truncated(y, 0) ~ x + z + x:z + (1 + x || g)")
    assert pickle.loads(pickle.dumps(formula)) == formula
    assert formula.text == "truncated(y, lb = 0)~x*z+(x|g)"
