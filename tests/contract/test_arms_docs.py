"""``docs/arms.md`` names every column, scale and limit."""

import re
from pathlib import Path
from typing import get_args

from hiermix.design.arms import ALIKE, NEAR_ROOT_TWO, ROOT_TWO
from hiermix.design.two_arms import MATCH
from hiermix.gates import catalogue
from hiermix.spec import ArmsSpec
from hiermix.spec.arms import LONG_FAMILIES, MADE
from hiermix.summary.arms.table import ALL_ROWS, ARMS_COLUMNS, SCALES
from hiermix.summary.questions.response import MAX_CELLS, MIN_DRAWS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "arms.md").read_text(encoding="utf-8")


def test_every_column_and_scale_is_documented() -> None:
    part = PAGE.partition("## `arms.csv`")[2]
    rows = re.findall(r"^\| (.*?) \|", part, re.M)
    assert {n for row in rows for n in re.findall(r"`([^`]+)`", row)} == set(ARMS_COLUMNS)
    assert all(f"`{name}`" in part for name in (*SCALES, ALL_ROWS))


def test_every_key_choice_and_made_column_is_documented() -> None:
    (choices,) = [a for a in get_args(ArmsSpec.model_fields["users"].annotation) if get_args(a)]
    for name in (*ArmsSpec.model_fields, *get_args(choices), *MADE, *LONG_FAMILIES):
        assert re.search(rf"\b{name}\b", PAGE), name


def test_limits_are_those_of_the_code_and_of_the_gate() -> None:
    (gate,) = [gate for gate in catalogue() if gate.id == "arms_se"]
    assert gate.limits["publish"].warn == ALIKE
    assert f"factor above {ALIKE}" in PAGE
    assert f"within {NEAR_ROOT_TWO} of {ROOT_TWO}" in PAGE
    assert MATCH == 0.5
    assert "more than half an own standard error" in PAGE
    assert f"above {MAX_CELLS // 10**6} million" in PAGE
    assert f"{MIN_DRAWS} a chain at least" in PAGE
