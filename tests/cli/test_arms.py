"""Two arms through the command line: a run of rows with both arms, its tables, predictions."""

import csv
import io
import json

import pandas as pd
import pytest

from hiermix.cli import main
from hiermix.summary.arms.table import ARMS_COLUMNS

pytestmark = pytest.mark.slow

SPEC = """\
data: {path: wide.csv, types: {country: category}}
model:
  formula: p(successes, trials) ~ arm + (arm | country)
  family: binomial
arms:
  control: {successes: a, trials: users}
  treatment: {successes: b, trials: users}
  users: per-arm
priors: {arm: "Normal(0, 0.5)", "arm|country": HalfNormal(0.2)}
fit: {draws: 200, tune: 300, chains: 2, seed: 1}
gates: {policy: explore, limits: {ess_bulk: 10, ess_tail: 10, rhat: 1.1, mcse: 0.5}}
"""

WIDE = """\
country,users,a,b
US,50000,6000,6400
UK,20000,2400,2560
DE,8000,960,1040
BR,2000,240,280
JP,500,55,75
AU,200,22,30
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arms")
    (folder / "wide.csv").write_text(WIDE)
    (folder / "spec.yaml").write_text(SPEC)
    code = main(["run", str(folder / "spec.yaml"), "--out", str(folder / "run"), "-q"])
    assert code == 0
    return folder


def called(capsys, *arguments):
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_summary_prints_the_effects_of_every_level(place, capsys):
    code, out, _ = called(capsys, "summary", place / "run", "arms", "--format", "csv")
    assert code == 0
    header, *rows = csv.reader(io.StringIO(out))
    assert tuple(header) == ARMS_COLUMNS
    levels = [row[1] for row in rows]
    assert levels == [n for n in ("(all)", "AU", "BR", "DE", "JP", "UK", "US") for _ in range(3)]
    code, out, _ = called(capsys, "summary", place / "run", "arms", "--format", "json")
    last = json.loads(out)
    assert "log_odds" in json.dumps(last)


def test_report_has_the_effects_and_the_note_on_rows(place):
    page = (place / "run" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Two arms</h2>" in page
    assert "6 rows of the data are 12 rows of the model: one an arm" in page
    manifest = json.loads((place / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data"]["rows_read"] == 6
    assert manifest["data"]["rows_used"] == 12


def test_the_resolved_spec_is_valid_and_has_the_arms(place, capsys):
    code, _, err = called(capsys, "validate", place / "run" / "spec.resolved.yaml")
    assert code == 0, err
    assert "arms:" in (place / "run" / "spec.resolved.yaml").read_text()


def test_predictions_take_the_columns_of_the_model(place, capsys):
    new = place / "new.csv"
    new.write_text("country,arm\nUS,0\nUS,1\nXX,1\n")
    options = ["--trials", 1, "--new-levels", "population", "-o", "-"]
    code, out, err = called(capsys, "predict", place / "run", new, *options)
    assert code == 0, err
    rates = pd.read_csv(io.StringIO(out))["mean"]
    table = pd.read_csv(place / "run" / "arms.csv").set_index(["level", "scale"])
    assert rates[1] - rates[0] == pytest.approx(table.loc[("US", "difference"), "mean"], rel=1e-9)
    new.write_text("country,arm\nUS,1\nUS,2\n")
    code, _, err = called(capsys, "predict", place / "run", new, *options)
    assert code == 2
    assert "predict.arm" in err and "they are 0 and 1" in err and "row 2" in err
    new.write_text("country,users\nUS,100\n")
    code, _, err = called(capsys, "predict", place / "run", new, *options)
    assert code == 2
    assert "'arm'" in err


def test_a_finished_run_is_asked_about_its_arms(place, capsys):
    options = ["--of", "arm|country", "--best", "max", "--format", "json"]
    code, out, err = called(capsys, "ask", place / "run", *options)
    assert code == 0, err
    assert "prob_best" in out


def test_explain_and_prior_check_know_rows_with_both_arms(place, capsys):
    code, out, err = called(capsys, "explain", place / "spec.yaml")
    assert code == 0, err
    assert "arm" in out
    code, _, err = called(capsys, "prior-check", place / "spec.yaml", "--format", "json")
    assert code == 0, err


def test_a_finished_run_that_has_no_arms_prints_no_rows(place, capsys):
    spec = place / "plain.yaml"
    spec.write_text(
        "data: {path: wide.csv}\nmodel: {formula: a ~ b}\n"
        "fit: {draws: 100, tune: 100, chains: 2, seed: 1}\n"
    )
    assert called(capsys, "run", spec, "--out", place / "plain", "-q")[0] in (0, 3)
    assert not (place / "plain" / "arms.csv").exists()
    code, out, _ = called(capsys, "summary", place / "plain", "arms", "--format", "csv")
    assert code == 0
    assert out.strip() == ",".join(ARMS_COLUMNS)


def test_counts_that_are_none_are_refused_with_the_place_in_the_spec(place, capsys):
    (place / "bad.csv").write_text(WIDE.replace("US,50000,6000,6400", "US,50000,6000,60000"))
    (place / "bad.yaml").write_text(SPEC.replace("wide.csv", "bad.csv"))
    code, out, _ = called(capsys, "run", place / "bad.yaml", "--format", "json")
    assert code == 2
    (error,) = json.loads(out)["errors"]
    assert error["id"] == "data.arms-counts"
    assert "b: treatment arm: more successes than trials: 60000 of 50000 trials" in error["message"]
    assert (error["where"]["line"], error["where"]["key"]) == (7, "arms.treatment.successes")
