"""``hiermix compare``: runs side by side, refusals, failed and damaged runs."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hiermix.cli import main
from hiermix.engines import limits
from hiermix.studies.compare import COMPARE_COLUMNS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

N = 60
PRIOR_SD = 0.5
DRAWS = 4000

SPEC = """\
data: {path: d.csv, types: {g: category}}
model: {formula: "y ~ 1", known_se: se}
priors: {Intercept: "Normal(0, 0.5)"}
fit: {engine: exact, draws: 1000, chains: 4, seed: 1}
gates: {policy: explore}
outputs: {report: false}
"""


def table_of() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    x, g, se = rng.normal(size=N), np.repeat(np.arange(6), N // 6), rng.uniform(0.5, 1.5, N)
    y = 0.3 + 0.4 * x + 0.6 * rng.normal(size=6)[g] + se * rng.normal(size=N)
    wide = np.where(np.arange(N) == 5, np.nan, x)
    columns = {"y": y, "x": x, "g": [f"g{i}" for i in g], "se": se, "z": wide}
    return pd.DataFrame({**columns, "ly": np.exp(y)})


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Return a folder with data, a spec, and runs of several models."""
    folder = tmp_path_factory.mktemp("compare")
    table_of().to_csv(folder / "d.csv", index=False)
    (folder / "spec.yaml").write_text(SPEC)
    fit(folder, "one")
    fit(folder, "slope", "--set=model.formula=y ~ x")
    fit(folder, "groups", "--set=model.formula=y ~ x + (1 | g)")
    fit(folder, "log", "--set=model.formula=log(ly) ~ 1")
    fit(folder, "fewer", "--set=model.formula=y ~ z", "--set=data.missing=drop")
    limit = "--set=gates.limits={ess_bulk: 100000}"
    fit(folder, "failed", "--set=model.formula=y ~ (1 | g)", limit, code=3)
    return folder


def fit(folder, name, *options, code=0):
    target = str(folder / name)
    assert main(["run", str(folder / "spec.yaml"), "-q", "--out", target, *options]) == code


def compare(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hiermix", "compare", *arguments],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_csv_on_stdout_and_table_and_plot_in_a_folder(place: Path) -> None:
    arguments = ("one", "slope", "groups", "-o", "out")
    done = compare(place, *arguments, "--format=csv")
    assert done.returncode == 0, done.stderr
    assert (place / "out" / "compare.csv").read_text() == done.stdout
    header, *rows = csv.reader(io.StringIO(done.stdout))
    assert tuple(header) == COMPARE_COLUMNS
    assert [row[1] for row in rows] == ["groups", "slope", "one"]
    ElementTree.parse(place / "out" / "compare.svg")
    assert "use different columns; all 60 responses are the same" in done.stderr
    # The folder is its own: another comparison may replace it.
    assert compare(place, *arguments, "-q").stderr == ""
    table = pd.read_csv(io.StringIO(done.stdout)).set_index("run")
    for run in table.index:
        arvizs = az.loo(az.from_netcdf(place / run / "posterior.nc"))
        assert table.loc[run, "elpd"] == pytest.approx(arvizs.elpd, abs=0.02)
    assert table["weight"].sum() == pytest.approx(1)


@pytest.mark.statistical
def test_a_known_variance_gives_the_elpd_of_the_closed_form(place: Path, tmp_path: Path) -> None:
    data = table_of()
    y, weight = data["y"].to_numpy(), 1 / data["se"].to_numpy() ** 2
    precision = 1 / PRIOR_SD**2 + weight.sum() - weight
    mean = ((weight * y).sum() - weight * y) / precision
    expected = stats.norm(mean, np.sqrt(1 / precision + 1 / weight)).logpdf(y).sum()
    seeds = [str(tmp_path / str(seed)) for seed in range(8)]
    for seed, target in enumerate(seeds):
        options = [f"--set=fit.seed={seed + 10}", "--out", target]
        assert main(["run", str(place / "spec.yaml"), "-q", *options]) == 0
    done = compare(place, *seeds, "--format=json", "-q")
    elpd = np.array([row["elpd"] for row in json.loads(done.stdout)["runs"]])
    error = elpd.std(ddof=1) / np.sqrt(len(elpd))
    assert abs(elpd.mean() - expected) < 4 * error < 0.05


def test_a_failed_run_is_told_loudly_and_ends_with_3(place: Path) -> None:
    done = compare(place, "one", "failed", "-q", "-o", "failed-out")
    assert done.returncode == 3
    assert done.stderr.startswith("FAILED: failed: a gate failed")
    (line,) = [line for line in done.stdout.splitlines() if " failed " in line]
    assert line.split()[2] == "FAILED"
    assert "FAILED spec / failed" in (place / "failed-out" / "compare.svg").read_text()
    document = json.loads(compare(place, "failed", "one", "--format=json", "-q").stdout)
    assert document["exit_code"] == 3
    assert {row["run"]: row["verdict"] for row in document["runs"]}["failed"] == "FAILED"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("one", "groups", "--by", "h"), 2, "grouping factors: g"),
        (("one", "--by", "g"), 2, "grouping factors: none"),
        (("one", "./one"), 2, "usage.same-run"),
        ((), 2, "usage.missing-argument"),
        (("one", "log"), 2, "the left-hand side is log(ly), that of 'one' y"),
        (("one", "fewer"), 2, "59 rows are used, 60 in 'one'"),
        (("one", "slope", "-o", "."), 5, "outputs.occupied"),
        (("one", "nothing"), 5, "run.not-found"),
    ],
)
def test_what_cannot_be_compared_is_refused(place: Path, arguments, code, said) -> None:
    done = compare(place, *arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "hint" in done.stderr + "hint" * (code == 5)
    assert done.stdout == "" and "Traceback" not in done.stderr


def test_one_run_alone_has_its_own_accuracy(place: Path) -> None:
    alone = compare(place, "slope", "--format=csv", "-o", "alone")
    (row,) = csv.DictReader(io.StringIO(alone.stdout))
    beside = compare(place, "slope", "groups", "--format=csv", "-q")
    rows = {row["run"]: row for row in csv.DictReader(io.StringIO(beside.stdout))}
    assert {k: row[k] for k in ("elpd", "elpd_se", "p", "worst_k")} == {
        k: rows["slope"][k] for k in ("elpd", "elpd_se", "p", "worst_k")
    }
    assert (float(row["elpd_diff"]), float(row["weight"])) == (0, 1)
    text = compare(place, "slope", "-q").stdout
    assert "worst_k" in text and "elpd_diff" not in text and "weight" not in text
    assert (place / "alone" / "compare.svg").read_text().count("Difference") == 0


def exact_by_level() -> float:
    """Return the log predictive density of each level's rows given the others: y ~ 1."""
    table = table_of()
    total = 0.0
    for level in table["g"].unique():
        out = table["g"] == level
        y, se = table["y"].to_numpy(), table["se"].to_numpy()
        precision = 1 / PRIOR_SD**2 + (1 / se[~out] ** 2).sum()
        mean = (y[~out] / se[~out] ** 2).sum() / precision
        cov = np.diag(se[out] ** 2) + 1 / precision
        total += stats.multivariate_normal(np.full(out.sum(), mean), cov).logpdf(y[out])
    return total


def test_levels_are_left_out_whole(place: Path) -> None:
    done = compare(place, "one", "groups", "--by", "g", "--format=json", "-q", "-o", "by-level")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["group"] == "g"
    rows = {row["run"]: row for row in document["runs"]}
    assert all(row["pieces"] == 6 for row in rows.values())
    assert rows["one"]["elpd"] == pytest.approx(exact_by_level(), abs=0.15)
    spec = str(place / "spec.yaml")
    held = ["holdout", spec, "--set=model.formula=y ~ x + (1 | g)", "--by=g", "-q"]
    assert main([*held, "-o", str(place / "held")]) == 0
    scores = pd.read_csv(place / "held" / "scores.csv").set_index("method")
    assert rows["groups"]["elpd"] == pytest.approx(scores.loc["partial", "elpd"], abs=0.3)
    assert "6 levels of g left out" in compare(place, "groups", "--by", "g", "-q").stdout


def test_levels_need_the_data_as_they_were(place: Path, tmp_path: Path) -> None:
    for name in ("spec.yaml", "d.csv"):
        shutil.copy(place / name, tmp_path / name)
    fit(tmp_path, "groups", "--set=model.formula=y ~ x + (1 | g)")
    text = (tmp_path / "d.csv").read_text()
    (tmp_path / "d.csv").write_text(text.replace("g5", "g4"))
    done = compare(tmp_path, "groups", "--by", "g")
    assert done.returncode == 5
    assert "run.data-changed" in done.stderr


def test_all_that_is_wrong_is_told_at_once_as_json(place: Path) -> None:
    done = compare(place, "one", "log", "fewer", "--format=json")
    document = json.loads(done.stdout)
    assert [e["id"] for e in document["errors"]] == ["compare.response", "compare.rows"]
    assert [e["where"]["file"] for e in document["errors"]] == ["log", "fewer"]


def test_a_log_likelihood_that_is_not_stored_is_explained(place: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(limits, "MAX_LOG_LIKELIHOOD", 10)
    fit(place, "large", "--set=model.formula=y ~ x", "--force")
    assert main(["compare", str(place / "one"), str(place / "large")]) == 2
    told = capsys.readouterr().err
    assert f"no log likelihood of its rows: {N} rows x {DRAWS} draws are too many" in told
    assert "hint: fewer draws" in told


def test_changed_responses_are_found(place: Path, tmp_path: Path, capsys) -> None:
    table = table_of()
    table.loc[7, "y"] += 1e-3
    table.to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "spec.yaml").write_text(SPEC)
    fit(tmp_path, "other")
    assert main(["compare", str(place / "one"), str(tmp_path / "other")]) == 2
    assert "the response of row 8 is" in capsys.readouterr().err


def test_data_that_were_changed_in_place_are_told(place: Path, tmp_path: Path, capsys) -> None:
    table = table_of()
    table.loc[7, "x"] += 1e-3
    table.to_csv(tmp_path / "d.csv", index=False)
    (tmp_path / "spec.yaml").write_text(SPEC)
    fit(tmp_path, "other", "--set=model.formula=y ~ x")
    fit(tmp_path, "fewer")
    capsys.readouterr()
    runs = [str(place / "slope"), str(tmp_path / "other"), str(tmp_path / "fewer")]
    assert main(["compare", *runs]) == 0
    err = capsys.readouterr().err
    assert f"{runs[1]}: the data were changed since '{runs[0]}'" in err
    assert f"{runs[2]}: the data were changed" not in err
    assert "the runs use different columns" in err


@pytest.mark.parametrize("name", ["posterior.nc", "spec.resolved.yaml", "manifest.json"])
def test_a_damaged_run_ends_with_5(place: Path, tmp_path: Path, capsys, name) -> None:
    shutil.copytree(place / "slope", tmp_path / "run")
    content = bytearray((tmp_path / "run" / name).read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "run" / name).write_bytes(content)
    assert main(["compare", str(place / "one"), str(tmp_path / "run")]) == 5
    assert "run.damaged" in capsys.readouterr().err


PROBE = """
import sys
from hiermix.cli import main
code = main(sys.argv[1:])
heavy = ("arviz", "arviz_stats", "pymc", "bambi", "matplotlib", "scipy.optimize")
print(code, [name for name in heavy if name in sys.modules])
"""


@pytest.mark.parametrize("arguments", [["one", "fewer"], ["one", "log"], ["one", "./one"]])
def test_a_refusal_loads_nothing_heavy(place: Path, arguments) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "compare", *arguments],
        cwd=place,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "2 []"
