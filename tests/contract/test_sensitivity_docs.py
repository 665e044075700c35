"""The page on sensitivity names every column, file, diagnosis and option."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from hiermix.cli.app import app
from hiermix.studies.sensitivity import grid, levels, power

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sensitivity.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    return PAGE.partition(f"## `{name}.csv`")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("power", power.POWER_COLUMNS),
        ("grid", grid.GRID_COLUMNS),
        ("levels", levels.LEVEL_COLUMNS),
        ("level_grid", grid.LEVEL_GRID_COLUMNS),
    ],
)
def test_every_column_is_in_the_table_of_its_file(name, columns) -> None:
    first_cells = " ".join(re.findall(r"^\| (.*?) \|", section(name), re.M))
    assert [column for column in columns if f"`{column}`" not in first_cells] == []


def test_diagnoses_and_limits_are_what_the_code_has() -> None:
    for words in (power.CONFLICT, power.STRONG_PRIOR, power.UNKNOWN):
        assert f"`{words}`" in section("power")
    assert f"{power.THRESHOLD:g}" in section("power")
    assert f"more than {grid.LIMIT:g} posterior sds" in PAGE
    assert f"more than {grid.MCSE_UNITS:g} Monte Carlo standard errors" in PAGE


def test_every_option_is_explained() -> None:
    command = get_command(app).commands["sensitivity"]
    options = [o for p in command.params if p.name not in ("run", "help") for o in p.opts]
    told = set(re.findall(r"(?<!\w)--?[a-z-]+", PAGE))
    assert [o for o in options if o not in told and o not in ("--quiet", "--verbose")] == []
