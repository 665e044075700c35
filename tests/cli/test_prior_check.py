"""``hiermix prior-check`` as a process: table to stdout, files, refusals."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import hiermix as package
from hiermix.studies.prior_check import COLUMNS

pytestmark = pytest.mark.slow

ROOT = Path(package.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

SPEC = """\
data: {path: d.csv, types: {g: category}}
model: {formula: "y ~ 1 + (1 | g)"}
priors: {Intercept: "Normal(0, 300)"}
fit: {seed: 1}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    lines = [f"{2 + 9 * i / 39:.3f},l{i % 5}" for i in range(40)]
    (tmp_path / "d.csv").write_text("\n".join(["y,g", *lines]) + "\n")
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path


def prior_check(place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hiermix", "prior-check", *options],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_table_on_stdout_and_table_and_plot_in_a_folder(place: Path) -> None:
    done = prior_check(place, "spec.yaml", "--format", "csv", "-o", "out")
    assert done.returncode == 0, done.stderr
    header, *rows = csv.reader(io.StringIO(done.stdout))
    assert tuple(header) == COLUMNS
    assert rows[0][0] == "outcome" and rows[0][-1] == "wide"
    assert sorted(p.name for p in (place / "out").iterdir()) == [
        "prior_check.csv",
        "prior_check.svg",
    ]
    on_disk = (place / "out" / "prior_check.csv").read_text()
    assert list(csv.reader(io.StringIO(on_disk))) == [header, *rows]
    ElementTree.parse(place / "out" / "prior_check.svg")
    # The folder is its own, and the same seed gives the same bytes.
    before = (place / "out" / "prior_check.svg").read_bytes()
    assert prior_check(place, "spec.yaml", "-q", "-o", "out").returncode == 0
    assert (place / "out" / "prior_check.svg").read_bytes() == before


def test_text_says_what_is_wide(place: Path) -> None:
    done = prior_check(place, "spec.yaml", "-q")
    assert done.returncode == 0 and done.stderr == ""
    assert "the data within 2 .. 11: wide" in done.stdout


def test_json_has_the_table_the_sentences_and_the_seed(place: Path) -> None:
    done = prior_check(place, "spec.yaml", "--format", "json", "--seed", "7", "--draws", "150")
    document = json.loads(done.stdout, parse_constant=pytest.fail)
    assert (document["seed"], document["draws"], document["rows"]) == (7, 150, 40)
    assert document["exit_code"] == done.returncode == 0
    assert set(document["quantities"][0]) == set(COLUMNS)
    assert len(document["sentences"]) >= 4


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--draws", "5"), 2, "usage.prior-draws"),
        (("--seed", "-1"), 2, "usage.prior-seed"),
        (("--set", "priors.nothing=Normal(0, 1)"), 2, "prior.unknown-term"),
        (("--set", "data.path=none.csv"), 2, "none.csv"),
        (("-o", "."), 5, "outputs.occupied"),
    ],
)
def test_what_cannot_be_done_is_refused(place: Path, options, code, said) -> None:
    before = sorted(place.iterdir())
    done = prior_check(place, "spec.yaml", *options)
    assert done.returncode == code, done.stderr
    assert said in done.stderr and done.stdout == ""
    assert sorted(place.iterdir()) == before
