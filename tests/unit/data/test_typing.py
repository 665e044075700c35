"""What a column becomes: honest types, labels that stay apart, faults that are named."""

import numpy as np
import pandas as pd
import pytest

from hiermix.data import Source, read_frame
from hiermix.errors import DataError


def read(folder, cells, role="any", *, column="x", **options):
    text = "\n".join([f"{column},id", *(f"{cell},{i}" for i, cell in enumerate(cells))])
    (folder / "d.csv").write_text(text + "\n", encoding="utf-8")
    frame = read_frame(Source("d.csv", **options), folder, {column: role})
    return frame.table[column], frame


def fault(folder, cells, role="any", **options):
    with pytest.raises(DataError) as caught:
        read(folder, cells, role, **options)
    return caught.value.message


def test_whole_numbers_are_integers_and_others_floats(tmp_path):
    assert read(tmp_path, ["1", "2", "-3"])[0].dtype == np.int64
    column, _ = read(tmp_path, ["1", "2.5", "1e-3"])
    assert column.dtype == np.float64
    assert column.tolist() == [1.0, 2.5, 0.001]


def test_leading_zeros_make_an_identifier(tmp_path):
    column, _ = read(tmp_path, ["007", "012", "100"])
    assert column.cat.categories.tolist() == ["007", "012", "100"]
    assert "leading zeros" in fault(tmp_path, ["007", "012"], "numeric")


def test_grouping_factors_keep_their_labels_as_text(tmp_path):
    column, _ = read(tmp_path, ["10", "9", "10"], "category")
    assert column.astype(str).tolist() == ["10", "9", "10"]
    assert column.cat.categories.tolist() == ["10", "9"]


def test_big_identifiers_never_pass_through_floats(tmp_path):
    labels = ["9007199254740993", "9007199254740992", "9007199254740994"]
    column, _ = read(tmp_path, labels, "category")
    assert column.astype(str).tolist() == labels
    assert "9007199254740993 at row 1 exceeds 2^53" in fault(tmp_path, labels)


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e400"])
def test_infinite_numbers_are_refused_with_their_row(tmp_path, cell):
    assert fault(tmp_path, ["1.5", cell, "2.5"]) == "x: inf at row 2"


@pytest.mark.parametrize(
    ("cell", "hint"),
    [("1,234.5", "thousands"), ("n/a?", "data.na_values"), ("2,5", "point")],
)
def test_text_among_numbers_is_refused_with_its_row(tmp_path, cell, hint):
    quoted = f'"{cell}"'
    with pytest.raises(DataError) as caught:
        read(tmp_path, ["1", "2", quoted, "4"])
    assert caught.value.message == f"x: text {cell!r} at row 3; numbers expected"
    assert hint in caught.value.hint


def test_dates_are_refused_unless_they_are_labels(tmp_path):
    days = ["2024-01-01", "2024-01-02"]
    assert "dates such as '2024-01-01'" in fault(tmp_path, days)
    column, _ = read(tmp_path, days, types={"x": "category"})
    assert column.cat.categories.tolist() == days


def test_truth_values_are_truth_values(tmp_path):
    column, _ = read(tmp_path, ["true", "False", "TRUE"])
    assert column.dtype == bool
    assert column.tolist() == [True, False, True]


def test_words_for_missing_count_as_missing_among_numbers(tmp_path):
    _, frame = read(tmp_path, ["1", "NA", "", "4"], missing="drop")
    assert frame.dropped == {"x": 2}
    assert frame.row_numbers.tolist() == [1, 4]


def test_a_label_called_na_is_ambiguous_until_the_spec_says(tmp_path):
    labels = ["DE", "NA", "FR", "NA"]
    assert "g: 2 missing from text 'NA'" in fault(tmp_path, labels, "category", column="g")
    kept, _ = read(tmp_path, labels, "category", na_values=())
    assert kept.astype(str).tolist() == labels
    _, frame = read(tmp_path, labels, "category", na_values=("NA",), missing="drop")
    assert frame.dropped == {"x": 2}


def test_labels_that_differ_only_by_blanks_are_refused_and_by_case_warned_about(tmp_path):
    assert "'g00' and 'g00 ' differ only by blanks" in fault(tmp_path, ["g00", "g00 "], "category")
    _, frame = read(tmp_path, ["G00", "g00"], "category")
    assert frame.warnings == ("x: 'G00' and 'g00' differ only by case",)


def test_labels_that_are_one_number_are_refused_unless_the_spec_keeps_them_apart(tmp_path):
    labels = ["007", "07", "7"]
    assert "labels '007','07','7' would merge" in fault(tmp_path, labels, "category")
    column, _ = read(tmp_path, labels, "category", types={"x": "category"})
    assert column.astype(str).tolist() == labels


def test_missing_values_are_an_error_with_the_first_row(tmp_path):
    message = fault(tmp_path, ["1", "2", "", "4", ""])
    assert message == "x: 2 missing, first at row 3; set data.missing: drop"
    assert fault(tmp_path, ["", ""]) == "x: all 2 missing"


def test_rows_are_dropped_jointly_and_counted_by_column(tmp_path):
    (tmp_path / "d.csv").write_text("y,x\n1,\n,2\n3,4\n,\n", encoding="utf-8")
    frame = read_frame(Source("d.csv", missing="drop"), tmp_path, {"y": "any", "x": "any"})
    assert frame.dropped == {"y": 2, "x": 2}
    assert (frame.n_read, frame.n_rows) == (4, 1)
    measured = {m.metric: m.value for m in frame.measurements}
    assert measured == {"rows_used": 1.0, "rows_dropped_share": 0.75}


def test_unused_levels_are_left_out_after_dropping(tmp_path):
    (tmp_path / "d.csv").write_text("y,g\n1,a\n,b\n3,a\n", encoding="utf-8")
    frame = read_frame(Source("d.csv", missing="drop"), tmp_path, {"y": "any", "g": "category"})
    assert frame.table["g"].cat.categories.tolist() == ["a"]


def test_typed_files_give_the_same_columns_as_text(tmp_path):
    table = pd.DataFrame({"i": [1, 2, 3], "f": [0.5, 1.5, 2.5], "t": ["a", "b", "a"]})
    table.to_csv(tmp_path / "d.csv", index=False)
    table.to_parquet(tmp_path / "d.parquet")
    roles = {"i": "any", "f": "any", "t": "category"}
    text = read_frame(Source("d.csv"), tmp_path, roles)
    typed = read_frame(Source("d.parquet"), tmp_path, roles)
    assert text.sha256 == typed.sha256
    pd.testing.assert_frame_equal(text.table, typed.table)
    table.assign(f=[0.5, 1.5, 2.5000001]).to_csv(tmp_path / "d.csv", index=False)
    assert read_frame(Source("d.csv"), tmp_path, roles).sha256 != text.sha256


def test_identifiers_in_typed_files_become_exact_labels(tmp_path):
    table = pd.DataFrame({"g": [2**60 + 1, 2**60, 2**60 + 2], "h": [1.0, 2.0, 1.0]})
    table.to_parquet(tmp_path / "d.parquet")
    frame = read_frame(Source("d.parquet"), tmp_path, {"g": "category", "h": "category"})
    assert frame.table["g"].astype(str).tolist() == [str(2**60 + 1), str(2**60), str(2**60 + 2)]
    assert frame.table["h"].astype(str).tolist() == ["1", "2", "1"]


def test_dates_of_typed_files_are_refused(tmp_path):
    pd.DataFrame({"d": pd.to_datetime(["2024-01-01"])}).to_parquet(tmp_path / "d.parquet")
    with pytest.raises(DataError, match="dates"):
        read_frame(Source("d.parquet"), tmp_path, {"d": "any"})
