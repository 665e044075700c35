"""Posterior predictive checks as a person meets them: verdict, table, judging again, report."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from hiermix.cli import main
from hiermix.summary.predictive.table import PREDICTIVE_COLUMNS

SPEC = """
name: checked
data: {path: data.csv}
model: {formula: "FORMULA"}
fit: {engine: exact, draws: 500, tune: 500, seed: 1}
"""


def run(folder, formula="y ~ x + (1 | g)", *options):
    rng = np.random.default_rng(1)
    g = np.repeat([f"g{i}" for i in range(12)], 10)
    x = rng.normal(size=120)
    y = x + np.repeat(rng.normal(0, 0.7, 12), 10) + rng.normal(size=120)
    y[37] += 9.0
    table = pd.DataFrame({"y": y, "x": x, "g": g, "w": rng.integers(1, 4, 120)})
    table.to_csv(folder / "data.csv", index=False)
    spec = folder / "spec.yaml"
    spec.write_text(SPEC.replace("FORMULA", formula))
    code = main(["run", str(spec), "--out", str(folder / "run"), "-q", *options])
    return code, folder / "run"


@pytest.fixture(scope="module")
def outlying(tmp_path_factory):
    code, folder = run(tmp_path_factory.mktemp("checked"))
    assert code == 0
    return folder


def test_an_outlier_ends_in_a_warning_and_exit_code_0(outlying):
    manifest = json.loads((outlying / "manifest.json").read_text())
    assert manifest["verdict"] == "warn"
    assert "predictive_checks.csv" in manifest["files"]
    findings = json.loads((outlying / "gates.json").read_text())["findings"]
    found = {f["gate"]: f for f in findings if f["phase"] == "posterior"}
    assert found["predictive"]["status"] == "warn"
    assert found["predictive"]["where"] in ("largest_residual", "max", "skewness")
    assert found["predictive_levels"]["where"] == "g[g3] pearson"
    assert all(f["fail"] is None for f in found.values())


def test_the_table_is_printed_in_every_format(outlying, capsys):
    capsys.readouterr()
    assert main(["summary", str(outlying), "predictive_checks", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert tuple(rows[0]) == PREDICTIVE_COLUMNS
    assert len(rows) == 6 + 2 * 12
    assert main(["summary", str(outlying), "predictive_checks", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert "largest_residual" in json.dumps(document)
    assert main(["summary", str(outlying), "predictive_checks"]) == 0
    assert "pearson" in capsys.readouterr().out


def test_a_run_is_judged_again_alike_and_never_fails_for_it(outlying, capsys):
    for policy in ("explore", "publish", "strict"):
        main(["gates", str(outlying), "--policy", policy, "--format", "json"])
        findings = json.loads(capsys.readouterr().out)["findings"]
        found = [f for f in findings if f["phase"] == "posterior"]
        assert found[0]["status"] == "warn", policy
        assert found[1]["status"] == "warn" or policy == "explore"


def test_the_report_has_the_worst_level_first(outlying):
    page = (outlying / "report.html").read_text()
    section = page.partition("Posterior predictive check")[2].partition("</section>")[0]
    assert "The data look unlike data of this model" in section
    worst = section.partition("Levels that fit worst")[2].partition("<tbody>")[2]
    assert worst.index("g3") < 100


def test_a_model_without_replicates_says_why_also_when_judged_again(tmp_path, capsys):
    code, folder = run(tmp_path, "weighted(y, w) ~ x + (1 | g)")
    assert code == 0
    assert not (folder / "predictive_checks.csv").exists()
    capsys.readouterr()
    stored = json.loads((folder / "gates.json").read_text())["findings"]
    main(["gates", str(folder), "--format", "json"])
    again = json.loads(capsys.readouterr().out)["findings"]
    for findings in (stored, again):
        found = [f for f in findings if f["phase"] == "posterior"]
        assert [f["status"] for f in found] == ["not applicable", "not applicable"]
        assert {f["message"] for f in found} == {
            "no posterior predictive check: replicates of a weighted response do not mean what "
            "its values do"
        }
    assert main(["summary", str(folder), "predictive_checks", "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("group,level,statistic")


@pytest.mark.parametrize("format", ["junit", "github", "json"])
def test_other_formats_of_run_carry_the_warning(outlying, format, capsys):
    capsys.readouterr()
    spec = outlying.parent / "spec.yaml"
    code = main(["run", str(spec), "--out", str(outlying), "--format", format])
    out = capsys.readouterr()
    assert code == 0
    assert "predictive" in out.out + out.err
