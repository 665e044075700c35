"""The document on questions names every key, column, word and option."""

import inspect
import re
from pathlib import Path

import pytest

from hiermix.cli.commands_ask import ask
from hiermix.spec import QuestionSpec
from hiermix.summary.questions.resolve import MAX_PAIRWISE
from hiermix.summary.questions.response import LINKS, MAX_CELLS, MEANS, MIN_DRAWS
from hiermix.summary.questions.response_checks import MAX_BY
from hiermix.summary.questions.table import QUESTION_COLUMNS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "questions.md").read_text(encoding="utf-8")


def part(title: str) -> str:
    return TEXT.partition(f"\n{title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> set[str]:
    rows = re.findall(r"^\| (.*?) \|", text, re.M)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_key_is_documented() -> None:
    assert first_cells(part("## What to write")) == set(QuestionSpec.model_fields)


def test_every_column_is_documented() -> None:
    assert first_cells(part("## `questions.csv`")) == set(QUESTION_COLUMNS)


def test_every_option_is_documented() -> None:
    options = {n.strip("-") for n in re.findall(r"`(--[a-z]+)", part("## `hiermix ask RUN`"))}
    names = set(inspect.signature(ask).parameters) - {"context", "run"}
    assert options == {"level" if name == "levels" else name for name in names}


@pytest.mark.parametrize("name", sorted({*MEANS, *LINKS}))
def test_every_family_and_link_is_named(name: str) -> None:
    assert re.search(rf"\b{name}\b", part("## The scale of the response"))


def test_limits_are_those_of_the_code() -> None:
    pairs = MAX_PAIRWISE * (MAX_PAIRWISE - 1) // 2
    assert f"{MAX_PAIRWISE} levels at most: {pairs:,} pairs" in TEXT
    assert f"of {MAX_BY:,} levels at most" in TEXT
    assert f"Above {MAX_CELLS // 10**6} million" in TEXT
    assert f"{MIN_DRAWS} a chain at least" in TEXT
