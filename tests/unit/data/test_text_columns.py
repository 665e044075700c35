"""What the cells of a text file become, and what is refused rather than guessed."""

import numpy as np
import pytest


def one(cells, name="x"):
    """A file with one column of interest."""
    return f"{name},other\n" + "".join(f"{cell},0\n" for cell in cells)


@pytest.mark.parametrize(
    ("cells", "dtype", "values"),
    [
        (["1", "-2", "+3", "0"], "int64", [1, -2, 3, 0]),
        (["9007199254740993", "1"], "int64", [9007199254740993, 1]),
        (["1", "2.5", "-.5", "5.", "1e3"], "float64", [1, 2.5, -0.5, 5, 1000]),
        (["1.0", "2.0"], "float64", [1, 2]),
        ([" 1", "2 "], "int64", [1, 2]),
        (["true", "FALSE", "True"], "bool", [True, False, True]),
        (["b", "a", "B"], "category", ["b", "a", "B"]),
        (["2+", "1", "5-9", "10+"], "category", ["2+", "1", "5-9", "10+"]),
        (["yes", "no"], "category", ["yes", "no"]),
        (["0.5", "00.25"], "float64", [0.5, 0.25]),
    ],
)
def test_types_are_told_from_the_cells(read, cells, dtype, values):
    column = read(one(cells), x="any").table["x"]
    assert column.dtype == dtype
    assert column.tolist() == values


def test_leading_zeros_make_a_column_text_with_a_warning(read):
    frame = read(one(["007", "010", "12"]), x="any")
    assert frame.table["x"].tolist() == ["007", "010", "12"]
    assert "begin with 0" in frame.warnings[0]


def test_a_grouping_factor_keeps_its_labels_as_text(read):
    column = read(one(["10", "9", "100"]), x="category").table["x"]
    assert list(column.cat.categories) == ["10", "100", "9"]
    assert column.cat.categories.dtype == object


def test_large_identifiers_never_pass_through_floats(read):
    labels = [str(9007199254740992 + i) for i in range(12)] + ["99999999999999999999"]
    assert read(one(labels), x="category").table["x"].nunique() == 13


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1"] * 5 + ['"1,234.5"'], "x: text '1,234.5' at row 6"),
        (["1", "2", "n/a?"], "x: text 'n/a?' at row 3"),
        (["1", "a", "b", "3"], "x: text 'a' at row 2; also 'b' at row 3 (2 in all)"),
        (
            ["1", "2", "3", "4", "a", "b", "c", "d"],
            "x: text 'a' at row 5; also 'b' at row 6, 'c' at row 7 (4 in all)",
        ),
        (["1", "inf"], "x: inf at row 2 is not finite"),
        (["1", "-Infinity"], "x: -Infinity at row 2 is not finite"),
        (["1", "1e400"], "x: 1e400 at row 2 is not finite"),
        (["1", "99999999999999999999"], "x: 99999999999999999999 at row 2 exceeds 2^53"),
        (["2020-01-31", "2020-02-01 10:00"], "x: dates are neither numbers nor labels"),
        (["31.1.2020", "1.2.2020"], "x: dates are neither numbers nor labels"),
        (["1", "\x1b[2J"], "x: text '\\x1b[2J' at row 2"),
        (["1", "x" * 200], "x: text '" + "x" * 57 + "...' at row 2"),
    ],
)
def test_what_could_be_wrong_is_refused_with_the_row(refused, cells, message):
    error = refused(one(cells), x="any")
    assert error.message == message
    assert error.where.key == "data.path"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ('"1,234.5"', "thousands separators"),
        ('"12,5"', "decimal points"),
        ("unknown", "data.na_values"),
    ],
)
def test_the_hint_fits_the_cell(refused, cell, words):
    assert words in refused(one(["1", "2", cell]), x="any").hint


@pytest.mark.parametrize("word", ["NA", "N/A", "NaN", "nan", "NULL", "null", ""])
def test_na_means_missing_among_numbers(read, word):
    frame = read(one(["1", word, "3"]), source={"missing": "drop"}, x="any")
    assert frame.table["x"].tolist() == [1, 3]
    assert frame.dropped == {"x": 1}


@pytest.mark.parametrize("role", ["any", "category"])
def test_na_among_labels_is_refused(refused, role):
    error = refused(one(["NA", "DE", "NA"]), x=role)
    assert error.message == "x: 2 missing from text 'NA'; set data.na_values"
    assert error.hint == "first at row 1; [NA] if it means 'no value', [] if it is a label"


def test_na_among_numeric_labels_is_missing(read):
    frame = read(one(["1", "NA", "2"]), source={"missing": "drop"}, x="category")
    assert frame.table["x"].tolist() == ["1", "2"]


def test_na_values_say_whether_na_is_a_label(read):
    cells = one(["NA", "DE", ""])
    drop = {"missing": "drop"}
    label = read(cells, source={"na_values": (), **drop}, x="category")
    missing = read(cells, source={"na_values": ("NA",), **drop}, x="category")
    assert label.table["x"].tolist() == ["NA", "DE"]
    assert missing.table["x"].tolist() == ["DE"]


def test_na_values_replace_the_usual_words(refused):
    error = refused(one(["1", "NA", "-9"]), source={"na_values": ("-9",)}, x="any")
    assert error.message == "x: text 'NA' at row 2"


def test_a_value_that_stands_for_missing_is_dropped_from_numbers(read):
    source = {"na_values": ("-9",), "missing": "drop"}
    assert read(one(["1", "-9"]), source=source, x="any").table["x"].tolist() == [1]


@pytest.mark.parametrize(
    ("type_", "cells", "dtype", "values"),
    [
        ("numeric", ["1", "2"], "float64", [1.0, 2.0]),
        ("numeric", ["007", "010"], "float64", [7.0, 10.0]),
        ("integer", ["1.0", "2e1", "9007199254740993"], "int64", [1, 20, 9007199254740993]),
        ("boolean", ["1", "0", "1"], "bool", [True, False, True]),
        ("boolean", ["Yes", "no"], "bool", [True, False]),
        ("category", ["1", "2"], "category", ["1", "2"]),
        ("text", ["2020-01-31", "2020-02-01"], "category", ["2020-01-31", "2020-02-01"]),
        ("category", ["1", "a", "2"], "category", ["1", "a", "2"]),
        ("category", ["007", "07", "7"], "category", ["007", "07", "7"]),
    ],
)
def test_declared_types_decide(read, type_, cells, dtype, values):
    column = read(one(cells), source={"types": {"x": type_}}, x="any").table["x"]
    assert column.dtype == dtype
    assert column.tolist() == values


@pytest.mark.parametrize(
    ("type_", "cells", "message"),
    [
        ("numeric", ["1", "a"], "x: text 'a' at row 2"),
        ("numeric", ["9007199254740993"], "x: 9007199254740993 at row 1 exceeds 2^53"),
        ("numeric", ["1", "inf"], "x: inf at row 2 is not finite"),
        ("integer", ["1", "2.5"], "x: 2.5 at row 2 is not an integer"),
        ("integer", ["1", "99999999999999999999"], "x: 99999999999999999999 at row 2 exceeds 2^53"),
        ("boolean", ["1", "2"], "x: '2' at row 2 is not a truth value"),
    ],
)
def test_cells_that_contradict_the_declared_type_are_refused(refused, type_, cells, message):
    error = refused(one(cells), source={"types": {"x": type_}}, x="any")
    assert error.message == message
    assert error.where.key == "data.types.x"


def test_where_numbers_are_needed_text_is_refused(refused):
    error = refused(one(["a", "b", "c"]), x="numeric")
    assert error.message == "x: text 'a' at row 1; also 'b' at row 2, 'c' at row 3 (3 in all)"


def test_where_numbers_are_needed_leading_zeros_are_refused(refused):
    assert refused(one(["01", "2"]), x="numeric").id == "data.leading-zeros"


def test_numbers_are_read_to_the_last_digit(read):
    numbers = [0.1, 1 / 3, 1e-300, 123456789.123456789]
    column = read(one([repr(number) for number in numbers]), x="any").table["x"]
    assert np.array_equal(column.to_numpy(), numbers)
