"""Questions in the report."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hiermix.artefacts.describe import describe
from hiermix.artefacts.questions_view import SHOWN, question_views
from hiermix.artefacts.report import render_report
from hiermix.artefacts.tables import read_tables, write_tables
from hiermix.spec.questions import stated_question
from hiermix.summary.questions.answer import Levels, answer
from hiermix.summary.questions.table import FAILED, QUESTION_COLUMNS, empty_questions, with_note
from tests.unit.artefacts import fabric

EVIL = ("<script>alert(1)</script>", "{{ 7 * 7 }}", "a\x00b")


def answers(labels, **keys):
    draws = np.random.default_rng(1).normal(size=(len(labels), 4, 100))
    (question,) = stated_question({"of": "1|g", **keys})
    return answer("q", question, Levels(labels, draws.__getitem__, 400), 0.9, "eti")


def page(table):
    result = fabric.result()
    tables = replace(result.tables, questions=table)
    return render_report(describe(result, Path("x")), tables, result.verdict, {})


def tables(table):
    return replace(fabric.result().tables, questions=table)


def test_a_run_without_questions_has_no_section():
    assert question_views(tables(empty_questions())) == []
    assert "<h2>Questions</h2>" not in page(empty_questions())


def test_only_columns_that_were_asked_for_are_shown():
    (plain,) = question_views(tables(answers(("a", "b"))))
    assert [key for key, _, _ in plain.columns] == [
        "label", "mean", "sd", "lower", "upper", "prob_above", "direction", "unstable",
    ]  # fmt: skip
    (whole,) = question_views(
        tables(answers(("a", "b"), rope=[-1.0, 1.0], best="max", top=1, threshold=0.2))
    )
    heads = [head for _, head, _ in whole.columns]
    assert {"P(> 0.2)", "P(in ROPE)", "P(best)", "expected loss", "P(top 1)"} <= set(heads)
    assert "between -1 and 1" in whole.words


def test_contrasts_are_written_as_differences():
    (view,) = question_views(tables(answers(("a", "b", "c"), contrast="pairwise")))
    minus = "\N{MINUS SIGN}"
    assert [row["label"] for row in view.rows] == [
        f"a {minus} b", f"a {minus} c", f"b {minus} c",
    ]  # fmt: skip


def test_many_rows_are_cut_and_the_file_is_named():
    table = answers(tuple(map(str, range(SHOWN + 5))))
    (view,) = question_views(tables(table))
    assert (len(view.rows), view.left_out) == (SHOWN, 5)
    assert '5 more rows are in <a href="questions.csv"><code>questions.csv</code></a>' in page(
        table
    )


def test_the_best_of_very_many_levels_is_never_left_out() -> None:
    labels = tuple(map(str, range(SHOWN + 5)))
    table = answers(labels, best="max").sort_values("expected_loss", ascending=False)
    (view,) = question_views(tables(table))
    (best,) = table.loc[table["choice"] == "best", "level"]
    assert view.rows[0]["label"] == best
    losses = sorted(table["expected_loss"])
    assert [float(row["expected_loss"]) for row in view.rows] == pytest.approx(
        losses[:SHOWN], abs=0.06
    )
    assert "5 more rows, of larger expected losses, are in" in page(table)


def test_few_levels_stay_in_the_order_of_the_question() -> None:
    (view,) = question_views(tables(answers(("c", "a", "b"), best="max")))
    assert [row["label"] for row in view.rows] == ["c", "a", "b"]


def test_a_difference_of_right_to_left_names_reads_from_left_to_right() -> None:
    first, second = "שלום", "عالم"
    text = page(answers((first, second), contrast="pairwise"))
    mark, minus = "\N{LEFT-TO-RIGHT MARK}", "\N{MINUS SIGN}"
    assert f"{first}{mark} {minus} {mark}{second}" in text
    evil = page(answers((first, "<b>\u202e"), contrast="pairwise"))
    assert f"{first}{mark} {minus} {mark}&lt;b&gt;\\u202e" in evil
    assert mark not in page(answers(("a", "b"), contrast="pairwise"))
    # Arabic digits are no letters, but a minus between them goes to the left all the same.
    digits = page(answers(("\u0661", "\u0662"), contrast="pairwise"))
    assert f"\u0661{mark} {minus} {mark}\u0662" in digits


def test_a_loss_in_a_small_unit_has_its_digits() -> None:
    table = answers(("a", "b"), best="max")
    own = ("mean", "sd", "lower", "upper", "mcse_mean", "expected_loss", "mcse_loss")
    table[list(own)] *= 1e-9
    (view,) = question_views(tables(table))
    shown = [float(row["expected_loss"]) for row in view.rows]
    assert shown == pytest.approx(table["expected_loss"], abs=1e-10)
    assert max(shown) > 5e-10


def test_labels_are_escaped():
    text = page(answers(EVIL))
    assert "<script" not in text
    assert "{{ 7 * 7 }}" in text and "\x00" not in text


def test_a_failed_runs_answers_say_so():
    assert FAILED in page(with_note(answers(("a", "b")), FAILED))


def test_the_table_reads_back_as_it_was_written(tmp_path):
    table = pd.concat([answers(("a", "b,\n"), best="max"), answers(("c",))], ignore_index=True)
    write_tables(tmp_path, tables(table))
    back = read_tables(tmp_path).questions
    assert tuple(back.columns) == QUESTION_COLUMNS
    pd.testing.assert_frame_equal(
        back, table, check_dtype=False, check_column_type=False, check_exact=True
    )


def test_a_run_without_questions_has_no_file(tmp_path):
    write_tables(tmp_path, tables(empty_questions()))
    assert not (tmp_path / "questions.csv").exists()
    assert len(read_tables(tmp_path).questions) == 0
