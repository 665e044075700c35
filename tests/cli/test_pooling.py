"""``hiermix pooling`` as a process: tables to stdout, files, refusals."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import hiermix as package
from hiermix.studies.left_out import ACCURACY_COLUMNS
from hiermix.studies.pooling import LEVEL_COLUMNS

pytestmark = pytest.mark.slow

ROOT = Path(package.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
LIFTS = ROOT / "examples" / "ab_lifts" / "lifts.csv"

SPEC = """\
data: {path: lifts.csv, types: {country: category}}
model: {formula: "lift ~ 1 + (1 | country)", known_se: se}
priors: {"1|country": HalfNormal(0.05)}
fit: {draws: 200, tune: 200, chains: 2, seed: 1}
gates: {policy: explore, limits: {ess_bulk: 10, ess_tail: 10, rhat: 1.1, mcse: 0.5}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    table = pd.read_csv(LIFTS)
    table["true"] = 0.01
    table.to_csv(tmp_path / "lifts.csv", index=False)
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path


def pooling(place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hiermix", "pooling", *options],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_csv_on_stdout_and_tables_and_plot_in_a_folder(place: Path) -> None:
    done = pooling(place, "spec.yaml", "--format", "csv", "-o", "out", "--truth", "true")
    assert done.returncode == 0, done.stderr
    header, *rows = csv.reader(io.StringIO(done.stdout))
    assert tuple(header) == LEVEL_COLUMNS
    assert [row[1] for row in rows] == ["AU", "BR", "DE", "JP", "UK", "US"]
    assert sorted(p.name for p in (place / "out").iterdir()) == [
        "accuracy.csv",
        "levels.csv",
        "pooling.svg",
        "truth.csv",
    ]
    on_disk = (place / "out" / "levels.csv").read_text()
    assert list(csv.reader(io.StringIO(on_disk))) == [header, *rows]
    ElementTree.parse(place / "out" / "pooling.svg")
    assert "note: complete:" in done.stderr and "Traceback" not in done.stderr
    for method in ("none", "complete", "partial"):
        assert f"leaving out levels of country: {method}" in done.stderr
    # The folder is its own: another comparison may replace it.
    assert pooling(place, "spec.yaml", "-q", "-o", "out").returncode == 0
    assert not (place / "out" / "truth.csv").exists()


def test_json_has_every_table_and_no_nan(place: Path) -> None:
    done = pooling(place, "spec.yaml", "--format", "json", "-q")
    document = json.loads(done.stdout, parse_constant=pytest.fail)
    assert document["exit_code"] == done.returncode == 0
    assert [row["method"] for row in document["accuracy"]] == ["none", "complete", "partial"]
    assert set(document["accuracy"][0]) == set(ACCURACY_COLUMNS)
    assert len(document["levels"]) == 6 and document["truth"] == []
    assert len(document["notes"]) == 3


def test_refits_leave_out_what_importance_sampling_cannot(place: Path) -> None:
    table = pd.read_csv(place / "lifts.csv")
    # Far from all others: hardly a draw of the model with it is one of the model without it.
    table.loc[table["country"] == "UK", ["lift", "se"]] = [0.15, 0.004]
    table.to_csv(place / "lifts.csv", index=False)
    options = ("spec.yaml", "-q", "--format", "csv", "--table", "accuracy")
    options = (*options, "--set", "fit.draws=2000")
    sampled, refitted = (
        pd.read_csv(io.StringIO(pooling(place, *options, *more).stdout)).set_index("method")
        for more in ((), ("--refit", "--jobs", "2"))
    )
    assert sampled.loc["partial", "level_high_k"] > 0
    assert pd.isna(sampled.loc["partial", "elpd_level"])
    assert refitted.loc["partial", "level_high_k"] == 0
    assert np.isfinite(refitted.loc["partial", "elpd_level"])
    assert "of 6 left out by a refit" in refitted.loc["partial", "note"]
    # Without pooling nothing else tells of a row that is a level.
    assert pd.isna(refitted.loc["none", "elpd_loo"])


def test_a_refit_whose_score_rests_on_a_few_draws_is_not_used(place: Path) -> None:
    table = pd.read_csv(place / "lifts.csv")
    # Hardly a draw of the model without it is near it either.
    table.loc[table["country"] == "UK", ["lift", "se"]] = [0.5, 0.004]
    table.to_csv(place / "lifts.csv", index=False)
    options = ("spec.yaml", "-q", "--format", "csv", "--table", "accuracy", "--refit")
    found = pd.read_csv(io.StringIO(pooling(place, *options).stdout)).set_index("method")
    assert found.loc["partial", "level_high_k"] == 1
    assert pd.isna(found.loc["partial", "elpd_level"])
    assert "0 of 6 left out by a refit" in found.loc["partial", "note"]


def test_a_failed_gate_is_told_and_ends_with_3(place: Path) -> None:
    done = pooling(place, "spec.yaml", "-q", "--set", "gates.limits.ess_bulk=100000")
    assert done.returncode == 3
    assert "partial: gates fail: " in done.stderr and "ess_bulk" in done.stderr
    assert "Levels" in done.stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--group", "county"), 2, "usage.unknown-group"),
        (("--truth", "lift=true"), 2, "usage.truth"),
        (("--truth", "nothing"), 2, "--truth Intercept=nothing: 'nothing' not in data"),
        (("--table", "truth", "--format", "csv"), 2, "usage.pooling-table"),
        (("--truth", "country"), 2, "--truth Intercept=country: "),
        (("-o", "."), 5, "outputs.occupied"),
        (("--engine", "wrong"), 2, "fit.engine"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_fit(place: Path, options, code, said) -> None:
    before = sorted(place.iterdir())
    done = pooling(place, "spec.yaml", *options)
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "sampling" not in done.stderr
    assert sorted(place.iterdir()) == before


def test_questions_of_the_spec_are_not_asked_of_the_other_models(place: Path) -> None:
    questions = 'questions: [{of: "1|country", best: max}]\n'
    (place / "asking.yaml").write_text(SPEC + questions)
    done = pooling(place, "asking.yaml", "--format", "csv")
    assert done.returncode == 0, done.stderr
