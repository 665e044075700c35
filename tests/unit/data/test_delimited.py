"""The structure of CSV and TSV files: what DuckDB or pandas would accept in silence."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hiermix.data import Source, read_frame
from hiermix.errors import DataError, HiermixError

GOOD = "y,x,g\n1.5,2,a\n2.5,3,b\n"
CELLS = st.text("a\"',;|\n \té€", max_size=6)


def test_columns_come_in_the_order_asked_for(read):
    frame = read(GOOD, x="any", y="any")
    assert list(frame.table) == ["x", "y"]
    assert frame.all_columns == ("y", "x", "g")


def test_tabs_separate_a_tsv_file(read):
    assert read(GOOD.replace(",", "\t"), "d.tsv", x="any").table["x"].tolist() == [2, 3]


def test_a_byte_order_mark_is_no_part_of_the_first_name(read):
    assert read(b"\xef\xbb\xbf" + GOOD.encode(), y="any").all_columns == ("y", "x", "g")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(read, end):
    assert read(GOOD.replace("\n", end), y="any").table["y"].tolist() == [1.5, 2.5]


def test_quoted_cells_hold_delimiters_quotes_and_line_breaks(read):
    frame = read('g,y\n"a,""b""\nc",1.5\nd,2.5\n', g="category")
    assert frame.table["g"].tolist() == ['a,"b"\nc', "d"]


def test_blank_lines_are_no_rows(read):
    assert read("y,g\n1.5,a\n\n2.5,b\n\n", y="any").row_numbers.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "d.csv: no header"),
        ("\n\ny,x\n1,2\n", "d.csv: no header"),
        ("y,x,g\n", "d.csv: 0 rows"),
        ("y,x,x\n1,2,3\n", "d.csv: 'x' at columns 2 and 3"),
        ("y;x;g\n1;2;3\n", "d.csv: 1 column found; delimiter looks like ';'"),
        ("y\tx\tg\n1\t2\t3\n", "d.csv: 1 column found; delimiter looks like a tab"),
        (GOOD + "1,2,c,4,5\n", "d.csv: line 4: 5 fields, expected 3"),
        (GOOD + "1,2\n3,4,d\n", "d.csv: line 4: 2 fields, expected 3"),
        (GOOD + "1", "d.csv: line 4: 1 field, expected 3"),
        (GOOD + '1,2,"c\n5,6,d\n', "d.csv: quote opened on line 4 never closed"),
        (GOOD + '1,2,"c', "d.csv: quote opened on line 4 never closed"),
        (GOOD + '1,2,"c\nd"\n"5,6,d', "d.csv: quote opened on line 6 never closed"),
        (GOOD + '1,2,"c"d\n', "d.csv: line 4: text after a closing quote"),
        ('y,"x\n1,2\n', "d.csv: the header cannot be read: unexpected end of data"),
        (b"y,g\n1,caf\xe9\n", "d.csv: not UTF-8 at byte 10, line 2"),
        (b"y,g\n1,caf\xc3", "d.csv: not UTF-8 at byte 10, the last one"),
        ("y,g\n1,a\n".encode("utf-16"), "d.csv: not UTF-8 at byte 1: UTF-16"),
        (b"y,g\n1,a\0b\n", "d.csv: binary data: NUL at byte 8, line 2"),
        (b"\x7fELF\0\1\2\3", "d.csv: binary data: NUL at byte 5, line 1"),
    ],
)
def test_broken_files_are_refused_with_the_place(refused, content, message):
    error = refused(content, y="any")
    assert error.message == message
    assert error.where.key == "data.path"


def test_mixed_line_ends_are_refused(refused):
    error = refused("y,g\r\n1.5,a\n2.5,b\r\n", y="any")
    assert error.id == "data.unreadable"
    assert "line ends" in error.hint


def test_line_breaks_in_quotes_may_differ_from_line_ends(read):
    assert read('g,y\r\n"a\nb",1\r\nc,2\r\n', g="category").table["g"].tolist() == ["a\nb", "c"]


def test_a_bad_byte_far_into_the_file_is_placed(refused, monkeypatch):
    monkeypatch.setattr("hiermix.data.delimited_faults.CHUNK", 7)
    content = "y,g\n1,é\n2,ü\n".encode() + b"3,\xe9\n"
    assert refused(content, y="any").message == "d.csv: not UTF-8 at byte 17, line 4"


def test_characters_may_straddle_chunks(read, monkeypatch):
    monkeypatch.setattr("hiermix.data.delimited_faults.CHUNK", 3)
    assert read("y,g\n1,éü€\n2,b\n", g="category").table["g"].tolist() == ["éü€", "b"]


def test_files_of_a_glob_are_read_one_after_the_other(tmp_path):
    (tmp_path / "p1.csv").write_text("y,g\n1,a\n2,b\n")
    (tmp_path / "p2.csv").write_text("y,g\n3,a\n4,c\n")
    frame = read_frame(Source("p*.csv"), tmp_path, {"y": "any", "g": "category"})
    assert frame.table["y"].tolist() == [1, 2, 3, 4]
    assert frame.row_numbers.tolist() == [1, 2, 3, 4]


def test_files_of_a_glob_need_the_same_columns(tmp_path):
    (tmp_path / "p1.csv").write_text("y,g\n1,a\n")
    (tmp_path / "p2.csv").write_text("g,y\na,1\n")
    with pytest.raises(DataError, match=r"^p2.csv: not the columns of p1.csv$"):
        read_frame(Source("p*.csv"), tmp_path, {"y": "any"})


def test_rows_of_a_glob_are_named_by_their_file(tmp_path):
    (tmp_path / "p1.csv").write_text("y,g\n1,a\n2,b\n")
    (tmp_path / "p2.csv").write_text("y,g\n3,a\n,c\n")
    with pytest.raises(HiermixError) as caught:
        read_frame(Source("p*.csv"), tmp_path, {"y": "any"})
    assert caught.value.message.startswith("y: 1 missing, first at row 2 of p2.csv;")


def test_a_file_name_is_never_a_glob_for_duckdb(tmp_path):
    (tmp_path / "a[1].csv").write_text("y\n1\n2\n")
    (tmp_path / "a1.csv").write_text("y\n7\n8\n")
    frame = read_frame(Source("a[1].csv"), tmp_path, {"y": "any"})
    assert frame.table["y"].tolist() == [1, 2]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CELLS, min_size=1, max_size=5))
def test_labels_are_read_as_they_were_written(tmp_path, cells):
    labels = [f"l{cell}l" for cell in cells]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("g", "y"), *((c, 1.5) for c in labels)])
    (tmp_path / "d.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    table = read_frame(Source("d.csv"), tmp_path, {"g": "category"}).table
    assert table["g"].tolist() == labels
    assert list(table["g"].cat.categories) == sorted(set(labels))
