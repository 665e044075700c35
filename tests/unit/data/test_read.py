from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hiermix.data import Source, describe_columns, list_columns, read_frame
from hiermix.errors import DataError, HiermixError, InputErrors, Where

CONTENT = "y,x,g\n1.5,1,a\n,2,b\n3.5,NA,\n4.5,4,a\n"


def test_missing_values_are_refused_for_each_column(read):
    with pytest.raises(InputErrors) as caught:
        read(CONTENT, y="any", x="any", g="category")
    assert [error.message for error in caught.value.errors] == [
        "y: 1 missing, first at row 2; set data.missing: drop",
        "x: 1 missing, first at row 3; set data.missing: drop",
        "g: 1 missing, first at row 3; set data.missing: drop",
    ]
    assert {error.where.key for error in caught.value.errors} == {"data.path"}


def test_missing_names_up_to_three_rows(refused):
    error = refused("y,x\n" + ",1\n" * 5 + "1,1\n", y="any")
    assert error.message == "y: 5 missing, first at row 1; set data.missing: drop"
    assert error.hint.startswith("also at row 2 and row 3;")


def test_dropped_rows_are_counted_for_each_column(read):
    frame = read(CONTENT, source={"missing": "drop"}, y="any", x="any", g="category")
    assert frame.row_numbers.tolist() == [1, 4]
    assert frame.row_numbers.dtype == np.int64
    assert frame.dropped == {"y": 1, "x": 1, "g": 1}
    assert (frame.n_read, frame.n_rows) == (4, 2)
    assert list(frame.table.index) == [0, 1]
    assert frame.warnings == ("2 of 4 rows dropped for missing values (y 1, x 1, g 1)",)


def test_levels_of_dropped_rows_are_gone(read):
    frame = read(CONTENT, source={"missing": "drop"}, y="any", g="category")
    assert list(frame.table["g"].cat.categories) == ["a"]


def test_columns_that_are_not_wanted_drop_nothing(read):
    assert read(CONTENT, source={"missing": "drop"}, y="any").n_rows == 3


@pytest.mark.parametrize("missing", ["error", "drop"])
def test_a_column_without_values_is_refused_even_when_rows_may_be_dropped(refused, missing):
    error = refused("y,x\n1,\n2,NA\n", source={"missing": missing}, x="any")
    assert error.message == "x: all 2 missing"


def test_a_frame_without_rows_left_is_refused(refused):
    error = refused("y,x\n1,\n,2\n", source={"missing": "drop"}, y="any", x="any")
    assert error.id == "data.no-rows"
    assert error.hint == "y: 1 missing; x: 1 missing"


def test_measurements_tell_rows_and_missing_shares(read):
    frame = read(CONTENT, source={"missing": "drop"}, y="any", g="category")
    measured = {(m.metric, m.variable): m.value for m in frame.measurements}
    assert measured == {
        ("rows_used", ""): 2.0,
        ("rows_dropped_share", ""): 0.5,
        ("missing_share", "y"): 0.25,
        ("missing_share", "g"): 0.25,
    }
    assert {m.scope for m in frame.measurements} == {"data"}


def test_unknown_columns_are_told_where_the_formula_mentions_them(tmp_path):
    (tmp_path / "d.csv").write_text(CONTENT)
    place = Where(source="y ~ xx", caret=5, width=2)
    with pytest.raises(InputErrors) as caught:
        read_frame(Source("d.csv"), tmp_path, {"xx": "any", "G": "category"}, spans={"xx": place})
    first, second = caught.value.errors
    assert (first.id, first.message) == (
        "data.unknown-column",
        "'xx' not in data; did you mean 'x'?",
    )
    assert first.where == replace(place, key="model.formula")
    assert first.hint == "columns: y, x, g"
    assert second.message == "'G' not in data; did you mean 'g'?"
    assert second.where.key == "model.formula"


def test_blanks_around_a_name_in_the_header_are_told(refused):
    error = refused("y, x,g\n1,2,a\n", x="any")
    assert error.message == "'x' not found; column ' x' has surrounding blanks"


def test_types_of_unknown_columns_are_refused(refused):
    error = refused(CONTENT, source={"types": {"grp": "category"}}, y="any")
    assert error.message == "data.types: 'grp' not in data; did you mean 'g'?"
    assert error.where.key == "data.types.grp"


def test_errors_of_several_columns_come_together(read):
    with pytest.raises(InputErrors) as caught:
        read("y,x\n1,inf\n2,1\na,2\n", y="any", x="any")
    assert [error.id for error in caught.value.errors] == [
        "data.text-among-numbers",
        "data.not-finite",
    ]


def test_labels_are_checked_after_rows_are_dropped(read):
    frame = read("y,g\n1,a\n,a \n3,b\n", source={"missing": "drop"}, y="any", g="category")
    assert frame.table["g"].tolist() == ["a", "b"]


def test_labels_that_differ_by_blanks_are_refused(refused):
    error = refused("y,g\n1,a\n2,a \n3,b\n", g="category")
    assert error.message == "g: 'a' and 'a ' differ only by blanks"


def test_columns_named_like_python_or_sql_are_columns(read):
    header = "__class__,self,select,c0,rowid,typed,mean"
    wanted = dict.fromkeys(header.split(","), "any")
    table = read(f"{header}\n1,2,3,4,5,6,7\n", **wanted).table
    assert table.iloc[0].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_the_hash_depends_on_names_types_values_and_labels(read):
    base = read("y,g\n1,a\n2,b\n", y="any", g="category").sha256
    others = [
        read("z,g\n1,a\n2,b\n", z="any", g="category"),
        read("y,g\n1.0,a\n2,b\n", y="any", g="category"),
        read("y,g\n1,a\n3,b\n", y="any", g="category"),
        read("y,g\n1,a\n2,c\n", y="any", g="category"),
        read("y,g\n2,b\n1,a\n", y="any", g="category"),
        read("y,g\n1,a\n2,b\n", g="category", y="any"),
    ]
    assert len({base, *(frame.sha256 for frame in others)}) == 7
    assert read("x,g,y\n0,a,1\n0,b,2\n", y="any", g="category").sha256 == base


def test_a_large_file_is_read_without_going_through_its_rows(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"y": rng.normal(size=20_000), "g": rng.integers(0, 500, 20_000)})
    table.to_csv(tmp_path / "d.csv", index=False)
    frame = read_frame(Source("d.csv"), tmp_path, {"y": "any", "g": "category"})
    assert np.array_equal(frame.table["y"].to_numpy(), table["y"].to_numpy())
    assert frame.table["g"].astype(int).tolist() == table["g"].tolist()


def test_columns_are_listed_in_file_order(tmp_path):
    (tmp_path / "d.csv").write_text(CONTENT)
    assert list_columns(Source("d.csv"), tmp_path) == ("y", "x", "g")


def test_every_column_is_described_by_itself(tmp_path):
    (tmp_path / "d.csv").write_text("y,bad,g,t\n1.5,inf,a,true\n,2,b,false\n2.5,3,a,true\n")
    y, bad, g, t = describe_columns(Source("d.csv"), tmp_path)
    assert (y.kind, y.n_rows, y.n_missing, y.n_distinct) == ("numeric", 3, 1, 2)
    assert y.examples == ("1.5", "2.5")
    assert (bad.kind, bad.problem) == ("unreadable", "bad: inf at row 1 is not finite")
    assert (g.kind, g.n_distinct, g.examples) == ("category", 2, ("a", "b"))
    assert t.kind == "boolean"


def test_a_file_that_cannot_be_read_has_no_columns(tmp_path):
    (tmp_path / "d.csv").write_text("y,y\n1,2\n")
    for of in (list_columns, describe_columns):
        with pytest.raises(DataError, match="'y' at columns 1 and 2"):
            of(Source("d.csv"), tmp_path)


def test_data_outside_the_root_are_not_listed(tmp_path):
    (tmp_path / "d.csv").write_text(CONTENT)
    (tmp_path / "in").mkdir()
    with pytest.raises(HiermixError, match="leaves the data root"):
        list_columns(Source("../d.csv"), tmp_path / "in", data_root=tmp_path / "in")
