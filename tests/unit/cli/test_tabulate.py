import csv
import io
import json
import math

from hiermix.cli.tabulate import as_format, csv_table, json_text, markdown_table, text_table
from hiermix.cli.text import plain

HEADER = ("level", "mean", "n")
ROWS = [("a|b", 0.123456789, 3), ("[x](javascript:)", float("nan"), 12)]


def test_a_text_table_is_aligned_and_numbers_go_right():
    assert plain(text_table(HEADER, ROWS)).split("\n") == [
        "  level               mean   n",
        "  a|b               0.1235   3",
        "  [x](javascript:)     nan  12",
    ]


def test_a_text_table_without_rows_is_its_header():
    assert plain(text_table(HEADER, [])) == "  level  mean  n"


def test_wide_letters_keep_the_columns_straight():
    rows = plain(text_table(("city", "n"), [("東京", "x"), ("Bern", "y")])).split("\n")
    assert rows[1:] == ["  東京  x", "  Bern  y"]


def test_no_cell_of_a_markdown_table_acts_as_markup():
    text = markdown_table(HEADER, ROWS)
    assert "| a\\|b | 0.1235 | 3 |" in text
    assert "\\[x\\](javascript:)" in text
    assert len(text.split("\n")) == 4


def test_a_line_break_in_a_cell_does_not_break_a_markdown_table():
    assert len(markdown_table(["a"], [["x\ny"]]).split("\n")) == 3


def test_csv_keeps_every_digit_and_quotes_what_needs_it():
    rows = [("g,1][", 0.1 + 0.2, None), ("=1+1", -math.inf, True)]
    read = list(csv.reader(io.StringIO(csv_table(HEADER, rows))))
    assert read == [
        list(HEADER),
        ["g,1][", "0.30000000000000004", ""],
        ["=1+1", "-inf", "true"],
    ]


def test_json_has_null_where_a_number_is_not_finite():
    document = json.loads(json_text({"a": [math.nan, math.inf, 1.5], "b": (1, None)}))
    assert document == {"a": [None, None, 1.5], "b": [1, None]}


def test_json_is_ascii_so_that_it_can_be_printed_anywhere():
    assert json_text({"x": "\x1b\u202eé"}).isascii()


def test_a_json_table_has_an_object_for_each_row():
    assert json.loads(as_format("json", HEADER, ROWS))[0] == {
        "level": "a|b",
        "mean": 0.123456789,
        "n": 3,
    }
