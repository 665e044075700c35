import numpy as np
import pytest
from model_support import panel
from predict_support import model_of, predict, summaries

from hiermix.studies.predict.levels import LevelIndex
from hiermix.studies.predict.spelling import Spellings
from hiermix.studies.predict.stored import StoredColumn, StoredFactor

TEXT = StoredColumn("category")


@pytest.mark.parametrize(
    ("fitted", "text", "meant"),
    [
        (["TRUE", "FALSE"], "true", "TRUE"),
        (["TRUE", "FALSE"], "False", "FALSE"),
        (["true", "false"], "1", "true"),
        (["0", "1"], "TRUE", "1"),
        (["0", "1"], "0.0", "0"),
        (["1", "2"], "2.0", "2"),
        (["1.0", "2.5"], "1", "1.0"),
        (["1.0", "2.5"], "2.50", "2.5"),
    ],
)
def test_another_spelling_of_a_fitted_value_is_found(fitted, text, meant):
    assert fitted[Spellings(fitted).position(text)] == meant


@pytest.mark.parametrize(
    ("fitted", "text"),
    [
        (["NO", "SE"], "0"),
        (["NO", "SE"], "no"),
        (["1", "2"], "01"),
        (["01", "02"], "1"),
        (["1", "2", "x"], "1.0"),
        (["7", "7.0", "8"], "7.00"),
        (["true", "TRUE", "false"], "True"),
        (["1", "2"], "3.0"),
        (["a", "b"], "A"),
        (["9007199254740992", "9007199254740993"], "9007199254740992.0"),
        (["1", "0"], "a.0"),
    ],
)
def test_what_may_be_another_level_stays_one(fitted, text):
    assert Spellings(fitted).position(text) == -1


def test_rows_in_another_spelling_have_the_fitted_level():
    factor = StoredFactor(("a", "b"), (("TRUE", "1"), ("FALSE", "2"), ("TRUE", "2")))
    index = LevelIndex(factor, {"a": TEXT, "b": TEXT})
    a = np.array(["true", "FALSE", "1", "maybe"], dtype=object)
    b = np.array(["1.0", "2", "2.0", "1"], dtype=object)
    found = index.of_rows({"a": a, "b": b})
    assert found.place.tolist() == [0, 1, 2, -1]
    assert found.new == (("maybe", "1"),)
    assert found.respelt == {"true": "TRUE", "1": "TRUE", "1.0": "1", "2.0": "2"}
    assert a.tolist() == ["true", "FALSE", "1", "maybe"]


@pytest.mark.parametrize("new_levels", ["error", "draw", "population"])
def test_predictions_are_those_of_the_level_and_a_note_says_so(tmp_path, new_levels):
    table = panel(n_groups=6)
    table["flag"] = ["TRUE" if x > 2 else "FALSE" for x in table["x"]]
    model = model_of(table, "y ~ x + (x | flag)")
    fitted = summaries(tmp_path, {"x": [1, 2], "flag": ["TRUE", "FALSE"]}, model)
    new = {"x": [1, 2], "flag": ["true", 0]}
    assert (summaries(tmp_path, new, model, new_levels=new_levels) == fitted).all()
    notes, _ = predict(tmp_path, new, model, new_levels=new_levels)
    assert notes == ("flag: read true as TRUE, 0 as FALSE",)


def test_new_levels_are_counted_and_named(tmp_path):
    model = model_of(panel(n_groups=6), "y ~ x + (1 | g)")
    new = {"x": [1.0] * 5, "g": ["g1", "n4", "n1", "n3", "n2"]}
    notes, _ = predict(tmp_path, new, model, new_levels="draw")
    assert notes == (
        "g: 4 new levels (n4, n1, n3 and 1 more); "
        "one fresh draw each from the distribution of the levels",
    )
