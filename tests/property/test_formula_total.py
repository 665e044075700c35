"""No text makes the parser do anything but answer or refuse, and with little work."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hiermix.errors import FormulaError
from hiermix.formula import parse_formula, parse_right_side
from tests.effort_support import at_most

CALLS = 5_000_000

LANGUAGE = [
    *("y", "x", "z", "f", "g", "h", "x1.5", "`a b`", "0", "1", "2", "1e-3", '"a"', " ", "\n"),
    *("~", "+", "-", "*", "/", "**", ":", "|", "||", "(", ")", ")", ",", "==", "<"),
    *("log(", "I(", "poly(", "bs(", "C(", "offset(", "p(", "truncated(", "df=", "(1|", "(x|"),
]
OUTSIDE = [
    *("_x", "True", "None", "os.system", "x.y", "eval(", "1e999", "50", ".5", "3.", "''", "'"),
    *("=", "//", "%", "^", "{", "}", "[", "]", "`", ".", "\r\n", "\t", "é", "\uff58", "\u202e"),
]
INSIDE = st.lists(st.sampled_from(LANGUAGE), max_size=30).map("".join)
SENTENCES = INSIDE | st.lists(st.sampled_from(LANGUAGE + OUTSIDE), max_size=30).map("".join)


def answers(parse, text: str) -> None:
    with at_most(CALLS):
        try:
            formula = parse(text)
        except FormulaError as error:
            assert error.id.startswith("formula.")
            assert error.message and error.hint
            assert error.where.source is not None and error.where.caret is not None
            assert 1 <= error.where.caret <= len(error.where.source) + 1
        else:
            assert parse(formula.canonical()) == formula
            for name in formula.variables():
                assert formula.variable_span(name).width >= 1


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
@example("y ~ `\x85`")
def test_any_text_is_answered_or_refused(text):
    answers(parse_formula, text)


@given(SENTENCES)
@settings(max_examples=800, deadline=None)
def test_any_sentence_of_the_languages_words_is_answered_or_refused(text):
    answers(parse_formula, text)
    answers(parse_formula, f"y ~ {text}")
    answers(parse_right_side, f"~ {text}")
