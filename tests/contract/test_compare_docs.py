"""The page on comparing runs names every column and every option."""

import re
from pathlib import Path

from typer.main import get_command

from hiermix.cli.app import app
from hiermix.studies.compare import COMPARE_COLUMNS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "compare.md").read_text(encoding="utf-8")


def test_every_column_is_in_the_table() -> None:
    text = PAGE.partition("## `compare.csv`")[2].partition("\n## ")[0]
    assert [name for name in COMPARE_COLUMNS if f"`{name}`" not in text] == []


def test_every_option_is_explained() -> None:
    command = get_command(app).commands["compare"]
    options = [o for p in command.params if p.name not in ("runs", "help") for o in p.opts]
    told = set(re.findall(r"(?<!\w)--?[a-z-]+", PAGE))
    assert len(options) >= 6
    assert [o for o in options if o not in told] == []
