import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hiermix.cli.starter import Column, Start
from hiermix.cli.starter_text import spec_name, starter_text, yaml_text


def start(formula="y ~ x + (1 | g)", group="g", missing=0, reasons=()):
    y = Column("y", "number", 60, missing, 50, low=0.5, high=9.5)
    g = Column(group, "text", 60, 0, 6)
    return Start(formula, "gaussian", y, g, (), reasons)


def read(text):
    return yaml.safe_load(text)


def test_the_spec_says_what_was_chosen():
    spec = read(starter_text(start(), "demo", "data.csv", "demo.yaml"))
    assert spec["data"] == {"path": "data.csv", "missing": "error"}
    assert spec["model"] == {"formula": "y ~ x + (1 | g)", "family": "gaussian"}
    assert (spec["schema_version"], spec["name"], spec["fit"]["seed"]) == (1, "demo", 1)


def test_rows_without_values_are_dropped_where_there_are_some():
    spec = read(starter_text(start(missing=3), "demo", "data.csv", "demo.yaml"))
    assert spec["data"]["missing"] == "drop"


@pytest.mark.parametrize(
    "formula",
    ["y ~ `a: b` + (1 | g)", "y ~ `# c` + (1 | g)", 'y ~ `"q"` + (1 | `\\n`)', "`é 東` ~ (1 | g)"],
)
def test_formulas_survive_yaml(formula):
    spec = read(starter_text(start(formula), "demo", "data.csv", "demo.yaml"))
    assert spec["model"]["formula"] == formula


def test_a_line_break_in_a_name_cannot_add_a_key():
    hostile = "g\nmodel: {family: poisson}"
    text = starter_text(start(group=hostile, reasons=(f"{hostile} is odd",)), "d", "d.csv", "d")
    assert read(text)["model"]["family"] == "gaussian"


@given(st.text())
def test_any_text_survives_yaml(value):
    assert yaml.safe_load(yaml_text(value)) == value


@pytest.mark.parametrize(
    ("stem", "name"),
    [("demo", "demo"), ("Sales 2024!", "Sales-2024"), ("..", "model"), ("東京", "model")],
)
def test_a_run_name_is_made_from_the_files_name(stem, name):
    assert spec_name(stem) == name
