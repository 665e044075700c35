"""Every refusal: its id, its words and where its caret points."""

import pickle
from pathlib import Path

import pytest
import yaml

from hiermix.errors import FormulaError
from hiermix.formula import parse_formula

TABLE = Path(__file__).parents[2] / "cases" / "formula_errors.yaml"
CASES = yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def failure(text: str) -> FormulaError:
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=[ascii(case["text"][:60]) for case in CASES])
def test_a_refused_formula_says_what_is_wrong_and_where(case):
    error = failure(case["text"])
    assert error.id == f"formula.{case['id']}"
    said = f"{error.message} | {error.hint}"
    assert [word for word in case["words"] if word not in said] == []
    assert error.where.caret == case["caret"]


@pytest.mark.parametrize("case", CASES, ids=[ascii(case["text"][:60]) for case in CASES])
def test_a_refusal_has_one_hint_and_a_caret_inside_its_line(case):
    error = failure(case["text"])
    assert error.hint and "\n" not in error.hint
    assert "\n" not in error.message
    where = error.where
    assert where.source in case["text"].replace("\r", "")
    assert 1 <= where.caret <= len(where.source) + 1
    assert where.width >= 1
    assert where.caret + where.width - 1 <= max(len(where.source), where.caret)
    assert str(pickle.loads(pickle.dumps(error))) == error.message
