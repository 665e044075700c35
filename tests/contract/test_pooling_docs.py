"""The page on pooling names everything that is written and every option."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from hiermix.cli.app import app
from hiermix.studies.left_out import ACCURACY_COLUMNS
from hiermix.studies.pooling import LEVEL_COLUMNS
from hiermix.studies.truth import TRUTH_COLUMNS
from hiermix.summary import group_effects, variance

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pooling.md").read_text(encoding="utf-8")

QUANTITIES = (
    *("sd", "variance", "correlation", "covariance", "icc", "r2_conditional", "r2_marginal"),
    "pooling_factor",
)


def section(start: str, end: str) -> str:
    return PAGE.partition(start)[2].partition(end)[0]


@pytest.mark.parametrize(
    ("start", "end", "names"),
    [
        ("## `group_effects.csv`", "**Raw", group_effects.COLUMNS),
        ("## `variance.csv`", "## `hiermix", (*variance.COLUMNS, *QUANTITIES)),
        ("`levels.csv`:", "`accuracy.csv`, a", LEVEL_COLUMNS),
        ("`accuracy.csv`, a row", "`truth.csv`, a", ACCURACY_COLUMNS),
        ("`truth.csv`, a row", "```text", TRUTH_COLUMNS),
    ],
)
def test_every_column_is_in_the_table_of_its_file(start: str, end: str, names) -> None:
    text = section(start, end)
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_option_is_explained() -> None:
    command = get_command(app).commands["pooling"]
    options = [o for p in command.params if p.name not in ("spec", "help") for o in p.opts]
    told = set(re.findall(r"(?<!\w)--?[a-z-]+", PAGE))
    assert [o for o in options if o not in told and o not in ("--quiet", "--verbose")] == []
