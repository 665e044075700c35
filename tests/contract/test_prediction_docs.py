"""``docs/prediction.md`` names every option and every column."""

import re
from pathlib import Path

from typer.main import get_command

from hiermix.artefacts.prediction_files import FORMATS, OWN
from hiermix.cli.app import app
from hiermix.spec.families import CATEGORY_FAMILIES

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "prediction.md").read_text("utf-8")


def test_every_option_is_documented():
    names = [name for param in get_command(app).commands["predict"].params for name in param.opts]
    options = [name for name in names if name.startswith("-") and name != "--help"]
    assert len(options) >= 15
    assert [name for name in options if not re.search(rf"`{name}[` ]", DOCS)] == []


def test_every_column_and_format_is_documented():
    for name in (*OWN, *FORMATS, *CATEGORY_FAMILIES):
        assert f"`{name}`" in DOCS
