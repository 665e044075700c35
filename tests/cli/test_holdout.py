"""``hiermix holdout`` as a process: tables to stdout, files, refusals, signals."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

import hiermix as package
from hiermix.studies.holdout_tables import LEVEL_COLUMNS, ROW_COLUMNS, SCORE_COLUMNS

pytestmark = pytest.mark.slow

ROOT = Path(package.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
SCHOOLS = ROOT / "specs" / "eight_schools.yaml"
SLEEP = ROOT / "specs" / "sleepstudy.yaml"

SMALL = (
    *("--set", "fit.draws=200", "--set", "fit.tune=200", "--set", "fit.chains=2"),
    *("--set", "gates.policy=explore", "--set", "gates.limits.ess_bulk=10"),
    *("--set", "gates.limits.ess_tail=10", "--set", "gates.limits.rhat=1.1"),
    *("--set", "gates.limits.mcse=0.5"),
)


def holdout(place: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hiermix", "holdout", *map(str, options)],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_schools_are_held_out_in_turn_and_files_are_what_is_printed(tmp_path: Path) -> None:
    done = holdout(
        tmp_path, SCHOOLS, *SMALL, "--by", "school", "--format", "csv", "--table", "levels",
        "-o", "out", "--jobs", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    header, *rows = csv.reader(io.StringIO(done.stdout))
    assert tuple(header) == LEVEL_COLUMNS
    assert [row[2] for row in rows if row[0] == "partial"] == list("ABCDEFGH")
    assert {row[header.index("mean")] for row in rows if row[0] == "none"} == {""}
    out = tmp_path / "out"
    names = ["holdout.svg", "levels.csv", "rows.csv", "scores.csv"]
    assert sorted(p.name for p in out.iterdir()) == names
    assert list(csv.reader(io.StringIO((out / "levels.csv").read_text()))) == [header, *rows]
    assert tuple(pd.read_csv(out / "rows.csv").columns) == ROW_COLUMNS
    scores = pd.read_csv(out / "scores.csv").set_index("method")
    assert (*scores.reset_index().columns,) == SCORE_COLUMNS
    assert scores["rows"].to_dict() == {"none": 0, "complete": 8, "partial": 8}
    assert scores.loc["partial", ["elpd_diff", "elpd_diff_se"]].tolist() == [0, 0]
    ElementTree.parse(out / "holdout.svg")
    assert "16 of 16 fits finished" in done.stderr and "Traceback" not in done.stderr
    # The folder is its own: another study may replace it.
    again = holdout(tmp_path, SCHOOLS, *SMALL, "--folds", "4", "-q", "-o", "out")
    assert (again.returncode, again.stderr) == (0, "")
    assert not (out / "levels.csv").exists()


def test_days_in_folds_of_rows_are_predicted_by_all_methods(tmp_path: Path) -> None:
    done = holdout(tmp_path, SLEEP, *SMALL, "--folds", "3", "--format", "json", "-q")
    document = json.loads(done.stdout, parse_constant=pytest.fail)
    assert document["exit_code"] == done.returncode == 0, done.stderr
    assert (document["by"], document["group"]) == (None, "Subject")
    scores = {row["method"]: row for row in document["scores"]}
    assert list(scores) == ["none", "complete", "partial"]
    assert all(row["rows"] == 180 and row["folds"] == 3 for row in scores.values())
    assert scores["complete"]["elpd_diff"] < -30
    rows = [row for row in document["rows"] if row["method"] == "partial"]
    assert [row["row"] for row in rows] == list(range(1, 181))
    assert {row["level"] for row in rows} >= {"308", "372"} and document["levels"] == []


def test_a_failed_gate_is_told_and_ends_with_3(tmp_path: Path) -> None:
    done = holdout(
        tmp_path, SCHOOLS, *SMALL, "--by", "school", "--folds", "2", "-q",
        "--set", "gates.limits.ess_bulk=100000",
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "gates failed 2 of 2 fits, without fold 1, 2: " in done.stderr
    assert "ess_bulk" in done.stderr and "FAILED: Held-out levels" in done.stdout


def test_a_formula_without_levels_is_complete_pooling(tmp_path: Path) -> None:
    done = holdout(
        tmp_path, SLEEP, *SMALL, "--set", "model.formula=Reaction ~ Days", "--by", "Subject",
        "--folds", "3", "--format", "csv", "-q",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["method"], row["rows"], row["folds"]) == ("complete", "180", "3")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--by", "county"), "county"),
        (("--by", "Reaction"), "usage.holdout-by"),
        (("--by", "subject"), "did you mean 'Subject'?\n  --> --by\n"),
        (("--folds", "3", "--table", "levels", "--format", "csv"), "usage.holdout-table"),
        (("--by", "Subject", "--group", "Day"), "usage.unknown-group"),
        (("--by", "Subject", "--folds", "19"), "usage.holdout-folds"),
        (("--by", "Subject", "--folds", "1"), "usage.holdout-folds"),
        (("--folds", "181"), "usage.holdout-folds"),
        (("--jobs", "0"), "usage.bad-value"),
        (("--set", "model.formula=censored(Reaction, c) ~ Days"), "c"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_fit(tmp_path: Path, options, said) -> None:
    done = holdout(tmp_path, SLEEP, *options)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and "sampling" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_more_than_200_levels_are_refused_with_a_way_out(tmp_path: Path) -> None:
    table = pd.DataFrame({"y": range(402), "g": [f"g{i // 2}" for i in range(402)]})
    table.to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "s.yaml").write_text(
        'data: {path: data.csv}\nmodel: {formula: "y ~ 1 + (1 | g)"}\nfit: {seed: 1}\n'
    )
    done = holdout(tmp_path, "s.yaml", "--by", "g")
    assert done.returncode == 2 and "usage.holdout-many" in done.stderr
    assert "hint: --folds 10" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_signal_ends_it_with_no_child_left(
    tmp_path: Path, number: signal.Signals, code: int, jobs: int
) -> None:
    options = [str(SLEEP), "--by", "Subject", "-o", "out", "--jobs", str(jobs)]
    process = subprocess.Popen(
        [sys.executable, "-m", "hiermix", "holdout", *options],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        # Workers are at their fits by then.
        assert any("fits finished" in row for row in iter(process.stderr.readline, ""))
        before = members(process.pid)
        assert len(before) > jobs if jobs > 1 else before == [process.pid]
        # As a terminal does: to every process of the group.
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (code, ""), err
        assert "Traceback" not in err and "error[signal." in err
        deadline = time.monotonic() + 60
        while members(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert members(process.pid) == []
        assert not list(tmp_path.iterdir())
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def members(group: int) -> list[int]:
    """Return the processes of a group, as the kernel lists them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return sorted(found)
