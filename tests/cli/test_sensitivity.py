"""``hiermix sensitivity``: tables to stdout, files, refusals, failed and changed runs."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from hiermix.cli import main
from hiermix.data import merging
from hiermix.studies.sensitivity.grid import GRID_COLUMNS, LEVEL_GRID_COLUMNS
from hiermix.studies.sensitivity.levels import LEVEL_COLUMNS
from hiermix.studies.sensitivity.power import POWER_COLUMNS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

COLUMNS = {
    "power": POWER_COLUMNS,
    "grid": GRID_COLUMNS,
    "levels": LEVEL_COLUMNS,
    "level_grid": LEVEL_GRID_COLUMNS,
}

SPEC = """\
data: {path: d.csv, types: {g: category}}
model: {formula: "y ~ x + (1 | g)"}
priors: {"1|g": "HalfNormal(1)"}
fit: {engine: exact, draws: 500, chains: 4, seed: 1}
gates: {policy: explore}
outputs: {report: false}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Return a folder with runs of two examples, of a model without groups, and a failed one."""
    folder = tmp_path_factory.mktemp("sensitivity")
    for name in ("eight_schools", "ab_lifts"):
        spec = str(ROOT / "specs" / f"{name}.yaml")
        assert main(["run", spec, "-q", "--out", str(folder / name)]) == 0
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(6), 20)
    table = pd.DataFrame({"g": [f"g{i}" for i in g], "x": rng.normal(size=120)})
    table["y"] = rng.normal(size=6)[g] + 0.3 * table["x"] + rng.normal(size=120)
    table.to_csv(folder / "d.csv", index=False)
    (folder / "spec.yaml").write_text(SPEC)
    fit(folder, "panel")
    fit(folder, "flat", "--set=model.formula=y ~ x", "--set=priors={}")
    fit(folder, "beta", "--set=priors.1|g=Beta(2, 2)")
    options = ("--set=gates.limits={ess_bulk: 100000}", "--set=fit.max_attempts=1")
    fit(folder, "failed", *options, code=3)
    return folder


def fit(folder, name, *options, code=0):
    target = str(folder / name)
    assert main(["run", str(folder / "spec.yaml"), "-q", "--out", target, *options]) == code


def sensitivity(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hiermix", "sensitivity", *arguments],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_eight_schools_are_sensitive_and_that_is_said_loud_and_is_no_failure(place: Path) -> None:
    done = sensitivity(place, "eight_schools", "-q", "-o", "es")
    assert done.returncode == 0, done.stderr
    # --quiet leaves out notes, not this.
    told = done.stderr.splitlines()
    assert any("1|school_sigma" in t and "prior-sensitive" in t for t in told)
    assert all(t.startswith("sensitivity: ") for t in told)
    assert "prior-sensitive: 1|school_sigma: mean" in done.stdout
    grid = rows_of((place / "es" / "grid.csv").read_text())
    assert tuple(grid[0]) == GRID_COLUMNS
    of_sd = {
        float(row["factor"]): row["scaled_prior"]
        for row in grid
        if row["parameter"] == row["scaled"] == "1|school_sigma"
    }
    assert of_sd == {f: f"HalfCauchy(beta={5 * f:g})" for f in (0.25, 0.5, 1, 2, 4)}
    for name, columns in COLUMNS.items():
        header = (place / "es" / f"{name}.csv").read_text().splitlines()[0]
        assert tuple(header.split(",")) == columns
    assert len(rows_of((place / "es" / "levels.csv").read_text())) == 8
    assert len(rows_of((place / "es" / "level_grid.csv").read_text())) == 5 * 8
    ElementTree.parse(place / "es" / "sensitivity.svg")


def test_the_row_of_the_run_is_what_the_run_has_written(place: Path) -> None:
    done = sensitivity(place, "ab_lifts", "--scales", "2", "--format=json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["exit_code"] == 0 and document["errors"] == []
    summary = {r["parameter"]: r for r in rows_of((place / "ab_lifts/summary.csv").read_text())}
    own = [row for row in document["grid"] if row["factor"] == 1]
    assert {row["parameter"] for row in own} == set(summary)
    for row in own:
        assert row["mean"] == pytest.approx(float(summary[row["parameter"]]["mean"]), rel=1e-12)
        assert row["shift"] == 0 and row["prior_sensitive"] is False
    effects = rows_of((place / "ab_lifts/group_effects.csv").read_text())
    for row, effect in zip(document["levels"], effects, strict=True):
        assert row["level"] == effect["level"]
        for name, theirs in (("mean", "coefficient_mean"), ("sd", "coefficient_sd")):
            assert row[name] == pytest.approx(float(effect[theirs]), rel=1e-9)
        for name in ("lower", "upper"):
            assert row[name] == pytest.approx(float(effect[name]), rel=1e-9)
    assert {row["factor"] for row in document["grid"]} == {1, 2}


def test_a_study_of_a_folder_is_replaced_and_nothing_else_is(place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "letter.txt").write_text("dear")
    assert main(["sensitivity", str(place / "panel"), "--no-refit", "-o", str(place / "mine")]) == 5
    target = str(place / "twice")
    assert main(["sensitivity", str(place / "panel"), "-q", "--scales=2", "-o", target]) == 0
    assert (place / "twice" / "sensitivity.svg").is_file()
    assert main(["sensitivity", str(place / "panel"), "-q", "--no-refit", "-o", target]) == 0
    assert [p.name for p in (place / "twice").iterdir()] == ["power.csv"]


@pytest.mark.parametrize("table", list(COLUMNS))
def test_each_table_goes_to_stdout_as_csv(place: Path, capsys, table) -> None:
    run = str(place / "panel")
    options = ["-q", "--scales=0.5", "--table", table, "--format=csv"]
    assert main(["sensitivity", run, *options]) == 0
    assert tuple(capsys.readouterr().out.splitlines()[0].split(",")) == COLUMNS[table]


def test_a_model_without_group_terms_has_power_scaling_only(place: Path, capsys) -> None:
    assert main(["sensitivity", str(place / "flat"), "--format=json"]) == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["grid"] == document["levels"] == document["level_grid"] == []
    assert [row["parameter"] for row in document["power"]] == ["Intercept", "x", "sigma"]
    assert "the model has no group sds" in told.err


def test_a_failed_run_is_told_loudly_and_ends_with_3(place: Path, capsys) -> None:
    target = place / "failed-out"
    options = ["-q", "--scales=2", "-o", str(target)]
    assert main(["sensitivity", str(place / "failed"), *options]) == 3
    told = capsys.readouterr()
    assert told.err.startswith("FAILED: a gate failed this run")
    assert "FAILED: a gate failed the fit with the prior of 1|g_sigma x 2" in told.err
    assert "FAILED: Refits" in told.out
    assert {r["verdict"] for r in rows_of((target / "grid.csv").read_text())} == {"FAILED"}
    assert "FAILED: mean" in (target / "sensitivity.svg").read_text()


def test_a_failed_run_without_refits_is_failed_too(place: Path, capsys) -> None:
    assert main(["sensitivity", str(place / "failed"), "-q", "--no-refit", "--format=json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 3 and document["run_failed"] is True


def test_rows_merged_while_they_are_read_are_the_same_model(
    place: Path, capsys, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(merging, "MERGED_FROM", 100)
    table = pd.read_csv(place / "d.csv")
    table["x"] = (table["x"] > 0).astype(float)
    table.to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "spec.yaml").write_text(SPEC)
    found = {}
    for reduce in ("auto", "off"):
        fit(tmp_path, reduce, f"--set=data.reduce={reduce}")
        stored = json.loads((tmp_path / reduce / "manifest.json").read_text())["fit"]["facts"]
        assert ("log_likelihood" in stored.get("left_out", {})) == (reduce == "auto")
        capsys.readouterr()
        options = ["-q", "--scales=2", "--format=json"]
        assert main(["sensitivity", str(tmp_path / reduce), *options]) == 0
        found[reduce] = json.loads(capsys.readouterr().out)
    for merged, single in zip(found["auto"]["power"], found["off"]["power"], strict=True):
        assert merged["prior"] == pytest.approx(single["prior"], abs=0.01)
        assert merged["likelihood"] == pytest.approx(single["likelihood"], abs=0.03)
    for merged, single in zip(found["auto"]["grid"], found["off"]["grid"], strict=True):
        error = np.hypot(merged["mcse_mean"], single["mcse_mean"])
        assert abs(merged["mean"] - single["mean"]) <= 4 * error


def test_changed_data_end_with_5_and_missing_ones_with_2(place: Path, tmp_path, capsys) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    table = pd.read_csv(place / "d.csv")
    table.to_csv(tmp_path / "d.csv", index=False)
    fit(tmp_path, "run")
    table.loc[3, "y"] += 1e-6
    table.to_csv(tmp_path / "d.csv", index=False)
    assert main(["sensitivity", str(tmp_path / "run"), "--no-refit"]) == 5
    told = capsys.readouterr().err
    assert "run.data-changed" in told and "d.csv" in told and "hint:" in told
    (tmp_path / "d.csv").unlink()
    assert main(["sensitivity", str(tmp_path / "run"), "--no-refit"]) == 2
    assert "d.csv" in capsys.readouterr().err


def test_data_outside_the_data_root_are_refused(place: Path, tmp_path: Path, capsys) -> None:
    options = ["--no-refit", "--data-root", str(tmp_path)]
    assert main(["sensitivity", str(place / "panel"), *options]) == 2
    assert "data root" in capsys.readouterr().err.replace("--data-root", "data root")


@pytest.mark.parametrize("name", ["posterior.nc", "spec.resolved.yaml", "manifest.json"])
def test_a_damaged_run_ends_with_5(place: Path, tmp_path: Path, capsys, name) -> None:
    shutil.copytree(place / "panel", tmp_path / "run")
    content = bytearray((tmp_path / "run" / name).read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "run" / name).write_bytes(content)
    assert main(["sensitivity", str(tmp_path / "run"), "--no-refit"]) == 5
    assert "run.damaged" in capsys.readouterr().err


def test_a_model_that_is_not_that_of_the_manifest_ends_with_5(place, tmp_path, capsys) -> None:
    shutil.copytree(place / "panel", tmp_path / "run")
    path = tmp_path / "run" / "manifest.json"
    path.write_text(path.read_text().replace("HalfNormal(sigma=1)", "HalfNormal(sigma=3)"))
    assert main(["sensitivity", str(tmp_path / "run"), "--no-refit"]) == 5
    told = capsys.readouterr().err
    assert "run.other-model" in told and "1|g_sigma was HalfNormal(sigma=3)" in told


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("panel", "--scales", "0.5,x"), 2, "usage.scales"),
        (("panel", "--scales", "0.5,nan"), 2, "usage.scales"),
        (("panel", "--scales", "0,2"), 2, "usage.scales"),
        (("panel", "--scales", "1"), 2, "usage.scales"),
        (("panel", "--scales", "2,2"), 2, "usage.scales"),
        (("panel", "--scales", "2", "--no-refit"), 2, "usage.scales"),
        (("panel", "--no-refit", "--table", "grid"), 2, "usage.no-refit"),
        (("beta",), 2, "the prior Beta(alpha=2, beta=2) of 1|g_sigma cannot be scaled"),
        (("nothing",), 5, "run.not-found"),
        (("panel", "-o", "."), 5, "outputs.occupied"),
    ],
)
def test_what_cannot_be_studied_is_refused(
    place, monkeypatch, capsys, arguments, code, said
) -> None:
    monkeypatch.chdir(place)
    assert main(["sensitivity", *arguments]) == code
    told = capsys.readouterr()
    assert said in told.err and told.out == "" and "Traceback" not in told.err


def test_a_prior_that_cannot_be_scaled_can_be_power_scaled(place: Path) -> None:
    assert main(["sensitivity", str(place / "beta"), "-q", "--no-refit"]) == 0
