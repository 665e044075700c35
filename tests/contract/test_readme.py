"""The README says what the code does."""

import re
import runpy
from pathlib import Path

import pytest
import yaml

from hiermix.gates import catalogue
from hiermix.spec.models import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_gate_table_is_what_the_catalogue_says() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "update_readme.py"))
    assert script["with_table"](README) == README, "run `make docs`"


def test_every_gate_is_in_the_table() -> None:
    listed = re.findall(r"^\| `([a-z_-]+)` \|", README.partition("<!-- gates:start -->")[2], re.M)
    assert [gate.id for gate in catalogue()] == listed[: len(catalogue())]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda key: key or "top")
def test_every_spec_key_is_documented_in_its_section(section: str) -> None:
    text = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
    name = section.removesuffix(".*")
    part = text.partition(f"## `{name}`")[2].partition("\n## ")[0] if name else text
    assert part
    missing = [key for key in SECTIONS[section].model_fields if f"`{key}`" not in part]
    assert missing == []


def test_the_spec_explained_in_the_readme_is_the_shipped_one() -> None:
    block = README.partition("## A spec, line by line")[2].partition("```yaml\n")[2]
    shown = yaml.safe_load(block.partition("```")[0])
    shipped = (ROOT / "specs" / "ab_by_country.yaml").read_text(encoding="utf-8")
    assert shown == yaml.safe_load(shipped)
