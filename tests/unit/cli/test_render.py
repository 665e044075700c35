import pytest

from hiermix.cli.render import MAX_SOURCE, code_of, error_document, error_lines, where_text
from hiermix.cli.text import plain, width
from hiermix.errors import (
    DataError,
    DesignError,
    DifferenceFound,
    EngineError,
    EnvironmentFault,
    FormulaError,
    HiermixError,
    InputErrors,
    Interrupted,
    PriorError,
    SpecError,
    UsageError,
    Where,
)


def shown(error):
    return plain(error_lines(error))


def formula_error(source, caret, width=1):
    where = Where("spec.yaml", 3, 17, "model.formula", source, caret, width)
    return FormulaError("formula.test", "wrong", where, "do better")


def test_an_error_reads_like_a_compiler_message():
    error = FormulaError(
        "formula.unknown-function",
        "'sqrtt' is not allowed",
        Where("spec.yaml", 3, 17, "model.formula", "y ~ sqrtt(x)", 5, 5),
        "did you mean 'sqrt'?",
    )
    assert shown(error) == (
        "error[formula.unknown-function]: 'sqrtt' is not allowed\n"
        "  --> spec.yaml:3:17 (model.formula)\n"
        "   |\n"
        "   | y ~ sqrtt(x)\n"
        "   |     ^^^^^\n"
        "   = hint: did you mean 'sqrt'?"
    )


def caret_span(text):
    """Return the text above the carets, by terminal columns."""
    source, marks = (row.removeprefix("   | ") for row in text.split("\n")[3:5])
    start, length = len(marks) - len(marks.lstrip()), marks.count("^")
    columns = "".join(c + "\0" * (width(c) - 1) for c in source)
    return columns[start : start + length].replace("\0", "")


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("y ~ x + bad", "bad"),
        ("東京 ~ 価格 + bad", "bad"),
        ("y ~ 価格 + x", "価格"),
        ("y ~ \tx + bad", "bad"),
        ("bad", "bad"),
    ],
)
def test_carets_stand_under_the_word_also_after_wide_letters_and_tabs(source, word):
    text = shown(formula_error(source, source.index(word) + 1, len(word)))
    assert caret_span(text) == word


def test_carets_stand_under_an_escape_where_a_character_is_hidden():
    text = shown(formula_error("y ~ x \u202e+ z", 7))
    assert caret_span(text) == "\\u202e"


def test_a_caret_after_the_end_of_the_source_is_shown():
    text = shown(formula_error("y ~ x +", 8))
    assert text.split("\n")[3:5] == ["   | y ~ x +", "   |        ^"]


def test_a_long_source_line_is_cut_around_the_caret():
    source = "y ~ " + " + ".join(f"x{i}" for i in range(500)) + " + bad + " + "z" * 300
    text = shown(formula_error(source, source.index("bad") + 1, 3))
    assert caret_span(text) == "bad"
    assert max(map(len, text.split("\n"))) < MAX_SOURCE + 20


def test_a_cut_source_line_does_not_show_half_a_password():
    source = "a" * 200 + " db://user:SECRETVALUE@host"
    assert "VALUE" not in shown(formula_error(source, len(source) - 8, 3))


def test_a_place_without_a_caret_shows_the_source_only():
    error = DataError("data.x", "wrong", Where(file="d.csv", line=4, source="1;2;3"))
    assert shown(error) == "error[data.x]: wrong\n  --> d.csv:4\n   |\n   | 1;2;3"


def test_several_errors_are_separated_by_an_empty_line():
    error = InputErrors([SpecError("spec.a", "one"), InputErrors([PriorError("prior.b", "two")])])
    assert shown(error) == "error[spec.a]: one\n\nerror[prior.b]: two"


def test_escape_sequences_in_a_message_do_not_reach_the_terminal():
    error = DataError("data.label", "level '\x1b[2Jx' is odd", Where(file="a\x1b[0m.csv"))
    assert "\x1b" not in shown(error)


def test_markup_of_other_tools_is_printed_as_it_is():
    error = DataError("data.label", "level '[bold red]x[/]' is odd")
    assert "[bold red]x[/]" in shown(error)


def test_a_line_break_in_user_data_cannot_pass_for_another_error():
    error = DataError("data.label", "level 'a\nerror[spec.fake]: b' is odd")
    assert not any(row.startswith("error[spec.fake]") for row in shown(error).split("\n"))


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (Where(), ""),
        (Where("a.yaml"), "a.yaml"),
        (Where("a.yaml", 3), "a.yaml:3"),
        (Where("a.yaml", 3, 9), "a.yaml:3:9"),
        (Where("a.yaml", key="fit"), "a.yaml (fit)"),
        (Where(key="fit"), "fit"),
    ],
)
def test_a_place_is_written_as_far_as_it_is_known(where, text):
    assert where_text(where) == text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HiermixError("internal.x", "m"), 1),
        (UsageError("usage.x", "m"), 2),
        (SpecError("spec.x", "m"), 2),
        (FormulaError("formula.x", "m"), 2),
        (PriorError("prior.x", "m"), 2),
        (DataError("data.x", "m"), 2),
        (DesignError("design.x", "m"), 2),
        (InputErrors([SpecError("spec.x", "m")]), 2),
        (EngineError("engine.x", "m"), 4),
        (EnvironmentFault("environment.x", "m"), 5),
        (DifferenceFound("diff.x", "m"), 6),
        (Interrupted("signal.x", "m", signal_number=2), 130),
        (Interrupted("signal.x", "m", signal_number=15), 143),
    ],
)
def test_every_class_of_error_has_its_exit_code(error, code):
    assert code_of(error) == code
    assert error_document(error)["exit_code"] == code


def test_the_json_form_lists_every_error_with_its_place():
    where = Where("s.yaml", 2, 1, "modle")
    error = InputErrors([SpecError("spec.a", "one", where, "h"), SpecError("spec.b", "two")])
    assert error_document(error)["errors"] == [
        {
            "id": "spec.a",
            "message": "one",
            "where": {"file": "s.yaml", "line": 2, "column": 1, "key": "modle"},
            "hint": "h",
        },
        {"id": "spec.b", "message": "two", "where": {}, "hint": ""},
    ]


def test_the_json_form_holds_no_credentials():
    where = Where("s.yaml", 1, 1, source="data: {path: s3://KEY:SECRETVALUE@b/x}")
    document = error_document(SpecError("spec.url", "no URLs", where))
    assert "SECRETVALUE" not in str(document)
