"""The page on held-out data names everything that is written and every option."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from hiermix.cli.app import app
from hiermix.studies.holdout_tables import LEVEL_COLUMNS, METHODS, ROW_COLUMNS, SCORE_COLUMNS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "holdout.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("start", "end", "names"),
    [
        ("| method | model", "## What", METHODS),
        ("`scores.csv`, a", "`levels.csv`, a", SCORE_COLUMNS),
        ("`levels.csv`, a", "`rows.csv`, a", LEVEL_COLUMNS),
        ("`rows.csv`, a", "## Example", ROW_COLUMNS),
    ],
)
def test_every_column_is_in_the_table_of_its_file(start: str, end: str, names) -> None:
    text = PAGE.partition(start)[2].partition(end)[0]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_option_is_explained() -> None:
    command = get_command(app).commands["holdout"]
    options = [o for p in command.params if p.name not in ("spec", "help") for o in p.opts]
    told = set(re.findall(r"(?<!\w)--?[a-z-]+", PAGE))
    assert [o for o in options if o not in told and o not in ("--quiet", "--verbose")] == []
