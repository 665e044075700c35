"""Left-hand sides."""

import pytest

from hiermix.formula import Expression, Response, parse_formula


def response(text: str) -> Response:
    found = parse_formula(f"{text} ~ x").response
    assert found is not None
    return found


def plain(value):
    return value.render() if isinstance(value, Expression) else value


@pytest.mark.parametrize(
    ("text", "kind", "expression", "arguments", "canonical"),
    [
        ("y", "plain", "y", {}, "y"),
        ("`my y`", "plain", "`my y`", {}, "`my y`"),
        ("log(y)", "plain", "log(y)", {}, "log(y)"),
        ("sqrt(y+1)", "plain", "sqrt(y + 1)", {}, "sqrt(y + 1)"),
        ("I(y/n)", "plain", "I(y / n)", {}, "I(y / n)"),
        ("p(s,n)", "proportion", "s", {"trials": "n"}, "p(s, n)"),
        ("prop(s,10)", "proportion", "s", {"trials": 10}, "p(s, 10)"),
        ("proportion(s,trials=n)", "proportion", "s", {"trials": "n"}, "p(s, n)"),
        ("censored(t,st)", "censored", "t", {"status": "st"}, "censored(t, st)"),
        ("censored(log(t),st)", "censored", "log(t)", {"status": "st"}, "censored(log(t), st)"),
        ("truncated(y,0,5)", "truncated", "y", {"lb": 0, "ub": 5}, "truncated(y, lb=0, ub=5)"),
        ("truncated(y,ub=u)", "truncated", "y", {"lb": None, "ub": "u"}, "truncated(y, ub=u)"),
        ("truncated(y,-1.50)", "truncated", "y", {"lb": -1.5, "ub": None}, "truncated(y, lb=-1.5)"),
        ("truncated(y,None,2)", "truncated", "y", {"lb": None, "ub": 2}, "truncated(y, ub=2)"),
        ("weighted(y,w)", "weighted", "y", {"weights": "w"}, "weighted(y, w)"),
        ("weighted(y,1/v)", "weighted", "y", {"weights": "1 / v"}, "weighted(y, 1 / v)"),
    ],
)
def test_a_left_hand_side_is_taken_apart(text, kind, expression, arguments, canonical):
    found = response(text)
    assert found.kind == kind
    assert found.expression.render() == expression
    assert {name: plain(value) for name, value in found.arguments.items()} == arguments
    assert found.text == canonical
    assert response(found.text) == found


def test_the_response_itself_comes_first_in_its_variables():
    assert response("weighted(log(y), w / v)").variables == ("y", "w", "v")


def test_trials_may_also_predict():
    assert parse_formula("p(s, n) ~ log(n)").variables() == ("s", "n")
