"""The page on the prior check names every column, quantity, remark and option."""

import re
from pathlib import Path

from typer.main import get_command

from hiermix.cli.app import app
from hiermix.studies.prior_check import COLUMNS
from hiermix.studies.priors.quantities import QUANTITIES
from hiermix.studies.priors.remarks import REMARKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "prior-check.md").read_text(encoding="utf-8")


def test_every_column_quantity_and_remark_is_in_a_table() -> None:
    first_cells = " ".join(re.findall(r"^\| (.*?) \|", PAGE, re.M))
    names = (*COLUMNS, *QUANTITIES, *REMARKS)
    assert [name for name in names if f"`{name}`" not in first_cells] == []


def test_every_option_is_explained() -> None:
    command = get_command(app).commands["prior-check"]
    options = [o for p in command.params if p.name not in ("spec", "help") for o in p.opts]
    told = set(re.findall(r"(?<!\w)--?[a-z-]+", PAGE))
    assert [o for o in options if o not in told and o not in ("--quiet", "--verbose")] == []
